-- One message, with the moment at which it was read: the two give the life that it has left.
--
-- KEYS  the message, the room's event hash
-- gives {now in ms, JSON or nil}

local json = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
if json then
    -- The time never goes back while the room has messages.
    now_us = math.max(now_us, tonumber(redis.call('HGET', KEYS[2], 'last') or 0))
end
return {math.floor(now_us / 1000), json}
