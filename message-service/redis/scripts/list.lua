-- A piece of the live messages of a room, in the order of (end, id), and the last number given out.
--
-- KEYS  the room's index, its event hash
-- ARGV  what every message key of the room begins with; the id and the end of the last message of
--       the piece before, both empty at the first
-- gives {now in ms, last number, epoch, {JSON, ...}, id, end}; the numbers are 0 where the room has
--       none; id and end are empty where no piece follows
--
-- A piece is so small that Redis is free again within a few milliseconds. Costs what is in it: what
-- has expired is below the range that is asked for. Changes nothing.

local index_key, event_key = KEYS[1], KEYS[2]
local message_prefix, after_id, after_end = ARGV[1], ARGV[2], ARGV[3]
local messages_max, bytes_max = 500, 128 * 1024
local chunk = 32 -- messages an MGET, between two looks at the bytes

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local event = redis.call('HMGET', event_key, 'last', 'epoch')
local last = tonumber(event[1] or 0)
if last > now_us and redis.call('ZCARD', index_key) > 0 then
    now_us = last -- the time never goes back while the room has messages
end
local now_ms = math.floor(now_us / 1000)

local from = redis.call('ZCOUNT', index_key, '-inf', string.format('%.0f', now_ms))
if after_id ~= '' then
    -- A message that is gone meanwhile leaves its end: some of those that end with it come twice.
    local rank = redis.call('ZRANK', index_key, after_id)
    local next = rank and rank + 1 or redis.call('ZCOUNT', index_key, '-inf', '(' .. after_end)
    from = math.max(from, next)
end
local ids = redis.call('ZRANGE', index_key, from, from + messages_max)

local messages, bytes, taken = {}, 0, 0
while taken < math.min(#ids, messages_max) and bytes < bytes_max do
    local keys = {}
    for at = taken + 1, math.min(taken + chunk, #ids, messages_max) do
        keys[#keys + 1] = message_prefix .. ids[at]
    end
    for _, json in ipairs(redis.call('MGET', unpack(keys))) do
        if json then
            messages[#messages + 1] = json
            bytes = bytes + #json
        end
    end
    taken = taken + #keys
end
local last_id, last_end = '', ''
if taken < #ids then
    last_id = ids[taken]
    last_end = redis.call('ZSCORE', index_key, last_id)
end
return {now_ms, last, tonumber(event[2] or 0), messages, last_id, last_end}
