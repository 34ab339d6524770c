import { Script } from '../connection/script';

/** Told of in one answer; the others are with the next. */
const FREE_AT_ONCE = 100;

/**
 * Of records by their kind: `rw:` leases by when they end, `rt` their tokens, `ra:` which holders are asked to stop, `rs:` what they say, `rn:` the
 * nodes that hold some.
 */
const steps = `
local function nameOf(kind, id) return kind .. ':' .. id end

local function isFree(kind, id, at)
  local till = call('ZSCORE', P .. 'rw:' .. kind, id)
  return not till or tonumber(till) <= at
end

local function forgetLease(kind, id)
  call('ZREM', P .. 'rw:' .. kind, id)
  call('HDEL', P .. 'rt', nameOf(kind, id))
  call('SREM', P .. 'ra:' .. kind, id)
  call('HDEL', P .. 'rs:' .. kind, id)
end
`;

/** Lua: whether a write may be done. A write without a lease has no name. */
export const leaseStep = `
local function mayWrite(name, token) return name == '' or call('HGET', P .. 'rt', name) == token end
`;

/**
 * ARGV: 1 kind, 2 id, 3 what makes the token one of its own: a store that has lost what it did last counts the same again. Answers a token; nothing where
 * another node holds it.
 */
export const takeRecordScript = new Script(
  'takeRecord',
  `${steps}
local kind, id, at = ARGV[1], ARGV[2], now()
if not isFree(kind, id, at) then return false end
local token = nextToken() .. '.' .. ARGV[3]
call('HSET', P .. 'rt', nameOf(kind, id), token)
call('ZADD', P .. 'rw:' .. kind, text(at + LEASE_MS), id)
return token
`,
);

/** ARGV: 1 kind, 2 id, 3 token. */
export const endRecordLeaseScript = new Script(
  'endRecordLease',
  `${steps}
if call('HGET', P .. 'rt', nameOf(ARGV[1], ARGV[2])) == ARGV[3] then forgetLease(ARGV[1], ARGV[2]) end
return 1
`,
);

/** All of a node are over now. ARGV: 1 kind, 2 JSON of {id, token}…, 3 node. */
export const leaveRecordsScript = new Script(
  'leaveRecords',
  `${steps}
local kind = ARGV[1]
for _, lease in ipairs(cjson.decode(ARGV[2])) do
  if call('HGET', P .. 'rt', nameOf(kind, lease[1])) == lease[2] then call('ZADD', P .. 'rw:' .. kind, 0, lease[1]) end
end
call('ZREM', P .. 'rn:' .. kind, ARGV[3])
call('SPUBLISH', P .. 'records', kind)
return 1
`,
);

/**
 * ARGV: 1 kind, 2 JSON of {id, token, what it says or ''}…, 3 node.
 * Answers {lost ids, ids that are asked to stop, ids of open records that nobody holds, how many are open, nodes that hold some}.
 */
export const renewRecordsScript = new Script(
  'renewRecords',
  `${steps}
local kind, held, at = ARGV[1], cjson.decode(ARGV[2]), now()
local leases, open, lost, asked, free = P .. 'rw:' .. kind, P .. 'ro:' .. kind, {}, {}, {}
-- First of all: a server without memory refuses steps that begin by writing more, and leases are renewed there too.
call('ZREMRANGEBYSCORE', P .. 'rn:' .. kind, '-inf', text(at))
local anyAsked = call('SCARD', P .. 'ra:' .. kind) > 0
for _, lease in ipairs(held) do
  local id = lease[1]
  if call('HGET', P .. 'rt', nameOf(kind, id)) ~= lease[2] then
    lost[#lost + 1] = id
  else
    call('ZADD', leases, text(at + LEASE_MS), id)
    if lease[3] ~= '' then call('HSET', P .. 'rs:' .. kind, id, lease[3]) end
    if anyAsked and call('SISMEMBER', P .. 'ra:' .. kind, id) == 1 then asked[#asked + 1] = id end
  end
end
-- Lapsed ones; and where some that are open never had a lease, those.
for _, id in ipairs(call('ZRANGEBYSCORE', leases, '-inf', text(at), 'LIMIT', 0, ${FREE_AT_ONCE})) do
  if call('ZSCORE', open, id) then free[#free + 1] = id else forgetLease(kind, id) end
end
if #free == 0 and call('ZCARD', open) > call('ZCARD', leases) then
  for _, id in ipairs(call('ZRANGE', open, 0, -1)) do
    if #free < ${FREE_AT_ONCE} and not call('ZSCORE', leases, id) then free[#free + 1] = id end
  end
end
if #held > #lost then call('ZADD', P .. 'rn:' .. kind, text(at + LEASE_MS), ARGV[3]) else call('ZREM', P .. 'rn:' .. kind, ARGV[3]) end
return {lost, asked, free, call('ZCARD', open), call('ZCARD', P .. 'rn:' .. kind)}
`,
);

/** ARGV: 1 kind, 2 id. Answers 0 where it is not open. */
export const askRecordScript = new Script(
  'askRecord',
  `
if not call('ZSCORE', P .. 'ro:' .. ARGV[1], ARGV[2]) then return 0 end
call('SADD', P .. 'ra:' .. ARGV[1], ARGV[2])
call('SPUBLISH', P .. 'records', ARGV[1])
return 1
`,
);

/** ARGV: 1 kind, 2 JSON of ids. Answers for each what its holder says, or ''. */
export const saidOfRecordsScript = new Script(
  'saidOfRecords',
  `
local said = {}
for i, id in ipairs(cjson.decode(ARGV[2])) do said[i] = call('HGET', P .. 'rs:' .. ARGV[1], id) or '' end
return said
`,
);
