-- Saves, indexes, numbers and publishes one message: all or nothing, in one round trip.
--
-- KEYS  the message, the room's index, its event hash and, where the sender gave an idempotency
--       key, that key's record; all of one room, so of one cluster slot
-- ARGV  id; content (the members room, author and message of the JSON object, without braces);
--       lifetime in ms; most live messages a room may hold; channel
-- gives {'saved', now in ms, JSON}, {'full', ms until the soonest end} or {'reused'}
--
-- Everything that can be refused is refused before the first write, and the first write is a SET:
-- it is there that a server out of memory, read-only or unable to persist says no, and then nothing
-- has changed. So the expired members of the index are counted around and removed only afterwards.
--
-- An id is random and used once: where a message with this very id is there already, an earlier try
-- of this call went through and only its answer was lost.

local message_key, index_key, event_key, record_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, content, channel = ARGV[1], ARGV[2], ARGV[5]
local ttl_ms, room_max = tonumber(ARGV[3]), tonumber(ARGV[4])
local message_prefix = string.sub(message_key, 1, -#id - 1)
local event_kept_ms = 24 * 60 * 60 * 1000

-- Redis hands numbers to commands with 14 digits; microseconds since 1970 have 16.
local function whole(number)
    return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now_us / 1000)
local expires_at = now_ms + ttl_ms

local function live(message_id)
    local score = redis.call('ZSCORE', index_key, message_id)
    return score and tonumber(score) > now_ms and redis.call('GET', message_prefix .. message_id)
end

local stored = live(id)
if stored then
    return {'saved', now_ms, stored}
end

local fingerprint
if record_key then
    fingerprint = redis.sha1hex(whole(ttl_ms) .. ' ' .. content)
    local record = redis.call('GET', record_key) or ''
    local first_id, ends, first_fingerprint = string.match(record, '^(%x+) (%d+) (%x+)$')
    if first_id and tonumber(ends) > now_ms then
        if first_fingerprint ~= fingerprint then
            return {'reused'}
        end
        local first = live(first_id)
        if first then
            return {'saved', now_ms, first}
        end
    end
end

local after_now = '(' .. whole(now_ms)
if redis.call('ZCOUNT', index_key, after_now, '+inf') >= room_max then
    local soonest = redis.call('ZRANGEBYSCORE', index_key, after_now, '+inf', 'WITHSCORES',
                               'LIMIT', 0, 1)
    return {'full', tonumber(soonest[2] or expires_at) - now_ms}
end

local event = redis.call('HMGET', event_key, 'last', 'epoch')
local number = whole(math.max(now_us, tonumber(event[1] or 0) + 1))
local epoch = event[2] or number
local json = '{"id":"' .. id .. '",' .. content .. ',"created_at":' .. whole(now_ms) ..
    ',"expires_at":' .. whole(expires_at) .. ',"number":' .. number .. ',"epoch":' .. epoch .. '}'

redis.call('SET', message_key, json, 'PXAT', whole(expires_at))
if record_key then
    redis.call('SET', record_key, id .. ' ' .. whole(expires_at) .. ' ' .. fingerprint,
               'PXAT', whole(expires_at))
end
redis.call('ZREMRANGEBYSCORE', index_key, '-inf', whole(now_ms))
redis.call('ZADD', index_key, whole(expires_at), id)
local highest = redis.call('ZREVRANGE', index_key, 0, 0, 'WITHSCORES')
local room_ends = tonumber(highest[2])
redis.call('PEXPIREAT', index_key, whole(room_ends))
redis.call('HSET', event_key, 'last', number, 'epoch', epoch)
redis.call('PEXPIREAT', event_key, whole(room_ends + event_kept_ms))
redis.call('PUBLISH', channel, number .. ' ' .. epoch .. ' ' .. json)
return {'saved', now_ms, json}
