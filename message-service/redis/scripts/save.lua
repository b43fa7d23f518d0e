-- Saves, indexes, numbers and publishes one message: all or nothing, in one round trip.
--
-- KEYS  the message, the room's index, its event hash, the sizes of its messages and, where the
--       sender gave an idempotency key, that key's record; all of one room, so of one cluster slot
-- ARGV  id; content (the members room, author and message of the JSON object, without braces); its
--       size (bytes of author and text); lifetime in ms; the most live messages, and the most bytes
--       of them, that a room may hold; channel
-- gives {'saved', now in ms, JSON}, {'full', ms until the soonest end}, {'reused'} or {'again'}: the
--       room has messages without a size, of which a part was measured; call again
--
-- Everything that can be refused is refused before the message is written, and the first write is
-- one that a server out of memory, read-only or unable to persist refuses: then nothing has changed.
-- So the expired members of the index are counted around and removed only afterwards, about once a
-- second.
--
-- The event hash keeps, beside the last number and the epoch, what the index and the sizes add up
-- to, and the number up to which that is true. Services of the release before save without it: then
-- the room is counted again. They read index, messages and the first two members of the event hash.
--
-- The time never goes back while the room has messages: an ended one would be back. An empty room
-- begins another epoch instead.
--
-- A publication tells the number before its own: whoever has not seen that has missed something.
-- It is 0 where the room has none.
--
-- An id is random and used once: where a message with this very id is there already, an earlier try
-- of this call went through and only its answer was lost.

local message_key, index_key, event_key, sizes_key, record_key = unpack(KEYS)
local id, content, channel = ARGV[1], ARGV[2], ARGV[7]
local size, ttl_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
local messages_max, bytes_max = tonumber(ARGV[5]), tonumber(ARGV[6])
local message_prefix = string.sub(message_key, 1, -#id - 1)
local chunk = 500 -- members a command; Lua's stack bounds what unpack can hand over
local measured_max = 1024 * 1024 -- bytes of JSON a call
local tidy_every_ms = 1000

-- Redis hands numbers to commands with 14 digits; microseconds since 1970 have 16.
local function whole(number)
    return string.format('%.0f', number)
end

local event = redis.call('HMGET', event_key, 'last', 'epoch', 'sums')
local last, epoch = event[1], event[2]
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
if last and tonumber(last) > now_us then
    if redis.call('ZCARD', index_key) > 0 then
        now_us = tonumber(last)
    else
        last, epoch = nil, nil -- nothing would end late any more
    end
end
local now_ms = math.floor(now_us / 1000)
local expires_at = now_ms + ttl_ms

local function live(message_id)
    local score = redis.call('ZSCORE', index_key, message_id)
    return score and tonumber(score) > now_ms and redis.call('GET', message_prefix .. message_id)
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

-- Calls the command for all of `list`, a chunk at a time.
local function each_chunk(list, run)
    for first = 1, #list, chunk do
        run(first, math.min(first + chunk - 1, #list))
    end
end

local function add_sizes(pairs_of)
    each_chunk(pairs_of, function(first, to)
        redis.call('HSET', sizes_key, unpack(pairs_of, first, to))
    end)
end

local function measure(json)
    local read, message = pcall(cjson.decode, json)
    if not read or type(message) ~= 'table' or type(message.message) ~= 'string' then
        return #json
    end
    return #message.message + (type(message.author) == 'string' and #message.author or 0)
end

-- Of the sums: the number up to which they are true, the messages and bytes of the index, until when
-- the keys are kept, and when the expired were last removed.
local counted, messages, bytes, kept, tidied =
    string.match(event[3] or '', '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
local right = last and counted == last
messages, bytes = tonumber(messages or 0), tonumber(bytes or 0)
local expired = {}    -- of the index, now to be removed
local recounted       -- the sizes of all live messages: id, size, id, size, ...
local after_now = '(' .. whole(now_ms)

-- Adds up the live messages, and measures those without a size; false where it could not measure
-- all of them.
local function recount()
    local ids = redis.call('ZRANGEBYSCORE', index_key, after_now, '+inf')
    local measured, measured_bytes = {}, 0
    recounted, messages, bytes, expired = {}, #ids, 0, {}
    for first = 1, #ids, chunk do
        local to = math.min(first + chunk - 1, #ids)
        local sizes = redis.call('HMGET', sizes_key, unpack(ids, first, to))
        for at = first, to do
            local known = sizes[at - first + 1]
            if not known and measured_bytes < measured_max then
                local json = redis.call('GET', message_prefix .. ids[at]) or ''
                measured_bytes = measured_bytes + #json
                known = whole(measure(json))
                measured[#measured + 1], measured[#measured + 2] = ids[at], known
            end
            if not known then
                add_sizes(measured)
                return false
            end
            bytes = bytes + tonumber(known)
            recounted[#recounted + 1], recounted[#recounted + 2] = ids[at], known
        end
    end
    add_sizes(measured)
    return true
end

-- Leaves the expired members of the index out of the sums; false where one has no size.
local function leave_out_expired()
    expired = redis.call('ZRANGEBYSCORE', index_key, '-inf', whole(now_ms))
    for first = 1, #expired, chunk do
        local to = math.min(first + chunk - 1, #expired)
        for _, known in ipairs(redis.call('HMGET', sizes_key, unpack(expired, first, to))) do
            if not known then
                return false
            end
            bytes = bytes - tonumber(known)
        end
    end
    messages = messages - #expired
    return true
end

-- The name of a command that the user may not run here, or nil; of PUBLISH alone unless `all`. Redis
-- before 7 cannot tell: there PUBLISH is tried, beside the room's channel.
local function forbidden(all)
    if not redis.acl_check_cmd then
        redis.call('PUBLISH', channel .. ':', '')
        return nil
    end
    if not redis.acl_check_cmd('PUBLISH', channel, '') then
        return 'publish'
    end
    local commands = not all and {} or {
        {'SET', message_key, ''}, {'ZADD', index_key, 0, id},
        {'HSET', sizes_key, id, size}, {'HSET', event_key, 'last', 0},
        {'PEXPIREAT', index_key, 0}, {'ZREVRANGE', index_key, 0, 0},
        {'ZREMRANGEBYSCORE', index_key, 0, 0}, {'HDEL', sizes_key, id}, {'DEL', sizes_key},
    }
    for _, command in ipairs(commands) do
        if not redis.acl_check_cmd(unpack(command)) then
            return string.lower(command[1])
        end
    end
end

local function is_full()
    return messages >= messages_max or bytes + size > bytes_max
end

local tidy = not right or is_full() or math.abs(now_ms - tidied) >= tidy_every_ms
if tidy then
    tidied = whole(now_ms)
    right = right and leave_out_expired()
end
if not right and not recount() then
    redis.call('PEXPIREAT', sizes_key, whole(expires_at))
    return {'again'}
end
if is_full() then
    local stored = live(id)
    if stored then
        return {'saved', now_ms, stored}
    end
    local soonest = redis.call('ZRANGEBYSCORE', index_key, after_now, '+inf', 'WITHSCORES',
                               'LIMIT', 0, 1)
    return {'full', tonumber(soonest[2] or expires_at) - now_ms}
end

local number = whole(math.max(now_us, tonumber(last or 0) + 1))
epoch = epoch or number
local json = '{"id":"' .. id .. '",' .. content .. ',"created_at":' .. whole(now_ms) ..
    ',"expires_at":' .. whole(expires_at) .. ',"number":' .. number .. ',"epoch":' .. epoch ..
    ',"previous":' .. (last or 0) .. '}'

-- A script that may not do one of its commands ends there, with the ones before it done. The right
-- to publish, which users lack by default, is asked for each time; the others about once a second.
local may_not = forbidden(tidy)
if may_not then
    return redis.error_reply('NOPERM this user may not ' .. may_not)
end
if not redis.call('SET', message_key, json, 'PXAT', whole(expires_at), 'NX') then
    return {'saved', now_ms, redis.call('GET', message_key)}
end
if record_key then
    redis.call('SET', record_key, id .. ' ' .. whole(expires_at) .. ' ' .. fingerprint,
               'PXAT', whole(expires_at))
end
if recounted or #expired > 0 then
    redis.call('ZREMRANGEBYSCORE', index_key, '-inf', whole(now_ms))
end
if recounted then
    redis.call('DEL', sizes_key)
    add_sizes(recounted)
else
    each_chunk(expired, function(first, to)
        redis.call('HDEL', sizes_key, unpack(expired, first, to))
    end)
end
redis.call('ZADD', index_key, whole(expires_at), id)
redis.call('HSET', sizes_key, id, size)

-- The keys of a room go a little after its last message: so not every save has to put that off.
-- With the counters the epoch ends. An id of it could only tell what came after it, and that is
-- over.
if recounted or expires_at > tonumber(kept) then
    local highest = redis.call('ZREVRANGE', index_key, 0, 0, 'WITHSCORES')
    kept = whole(tonumber(highest[2]) + math.floor(math.min(ttl_ms / 32, 1000)))
    redis.call('PEXPIREAT', index_key, kept)
    redis.call('PEXPIREAT', sizes_key, kept)
    redis.call('PEXPIREAT', event_key, kept)
end
redis.call('HSET', event_key, 'last', number, 'epoch', epoch, 'sums', number .. ' ' ..
           messages + 1 .. ' ' .. whole(bytes + size) .. ' ' .. kept .. ' ' .. tidied)
if not last then
    redis.call('PEXPIREAT', event_key, kept) -- there was none yet
end
redis.call('PUBLISH', channel, number .. ' ' .. epoch .. ' ' .. json)
return {'saved', now_ms, json}
