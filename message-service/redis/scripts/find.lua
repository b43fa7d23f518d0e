-- One message, with the moment at which it was read: the two give the life that it has left.
--
-- KEYS  the message
-- gives {now in ms, JSON or nil}

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {now_ms, redis.call('GET', KEYS[1])}
