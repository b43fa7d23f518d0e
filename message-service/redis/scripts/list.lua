-- The live messages of a room and the last number given out, as they are at one moment.
--
-- KEYS  the room's index, its event hash
-- ARGV  what every message key of the room begins with
-- gives {now in ms, last number, epoch, {JSON, ...}}; the numbers are 0 where the room has none
--
-- Costs what is alive: what has expired is below the range that is asked for. Changes nothing.

local index_key, event_key = KEYS[1], KEYS[2]
local message_prefix = ARGV[1]
local chunk = 500 -- keys an MGET; Lua's stack bounds what unpack can hand over

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local event = redis.call('HMGET', event_key, 'last', 'epoch')
local ids = redis.call('ZRANGEBYSCORE', index_key, '(' .. string.format('%.0f', now_ms), '+inf')

local messages = {}
for first = 1, #ids, chunk do
    local keys = {}
    for at = first, math.min(first + chunk - 1, #ids) do
        keys[#keys + 1] = message_prefix .. ids[at]
    end
    for _, json in ipairs(redis.call('MGET', unpack(keys))) do
        if json then
            messages[#messages + 1] = json
        end
    end
end
return {now_ms, tonumber(event[1] or 0), tonumber(event[2] or 0), messages}
