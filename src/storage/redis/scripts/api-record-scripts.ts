import { Script } from '../connection/script';
import { leaseStep } from './lease-scripts';

/**
 * A record of an API is a hash by kind and id. Lists are by its number; those that are open, and those that are kept from some time on, stand in
 * sets of their own; what their texts have together is counted by kind. `rh:` has by file which records hold it, which counts while they are open: a
 * node of an older version ends one without telling it here, and may begin one without telling what it holds. `rhseq` is the number up to which that was
 * seen to.
 */
const steps = `
local function recordKey(kind, id) return P .. 'r:' .. kind .. ':' .. id end

local function weigh(kind, id, bytes)
  call('HINCRBY', P .. 'rb', kind, bytes - call('HSTRLEN', recordKey(kind, id), 'text'))
end

local function heldBy(file) return P .. 'rh:' .. file end

local function release(kind, id)
  local files = call('HGET', recordKey(kind, id), 'holds')
  if not files then return end
  for file in string.gmatch(files, '%S+') do call('SREM', heldBy(file), kind .. ':' .. id) end
  call('HDEL', recordKey(kind, id), 'holds')
end

local function hold(kind, id, files)
  call('HSET', recordKey(kind, id), 'holds', files)
  for file in string.gmatch(files, '%S+') do call('SADD', heldBy(file), kind .. ':' .. id) end
end

local function forget(kind, id)
  release(kind, id)
  for _, set in ipairs({'rl:', 'ro:', 'rk:'}) do call('ZREM', P .. set .. kind, id) end
  weigh(kind, id, 0)
  return call('DEL', recordKey(kind, id))
end

local function note(kind, id, seq, isOpen, keptFrom, holds)
  if isOpen ~= '1' then release(kind, id) elseif holds ~= '' then hold(kind, id, holds) end
  if isOpen == '1' then call('ZADD', P .. 'ro:' .. kind, seq, id) else call('ZREM', P .. 'ro:' .. kind, id) end
  if keptFrom ~= '' then call('ZADD', P .. 'rk:' .. kind, keptFrom, id) else call('ZREM', P .. 'rk:' .. kind, id) end
end
`;

/**
 * ARGV: 1 kind, 2 id, 3 text, 4 `1` where it is open, 5 from when its retention counts, or '', 6 ids of files that it holds, with blanks between, 7 a file
 * that is to be there, or '', 8 and 9 name and token of a lease, or ''. Answers 0 where that file is not there, -2 where the lease is somebody else's. Done
 * twice it is done once.
 */
export const insertRecordScript = new Script(
  'insertRecord',
  `${steps}${leaseStep}
if not mayWrite(ARGV[8], ARGV[9]) then return -2 end
local kind, id = ARGV[1], ARGV[2]
local key = recordKey(kind, id)
if ARGV[7] ~= '' and not call('HGET', recordKey('file', ARGV[7]), 'seq') then return 0 end
local seq = call('HGET', key, 'seq') or call('INCR', P .. 'rseq')
weigh(kind, id, #ARGV[3])
call('HSET', key, 'seq', seq, 'text', ARGV[3], 'open', ARGV[4], 'kept', ARGV[5])
call('ZADD', P .. 'rl:' .. kind, seq, id)
note(kind, id, seq, ARGV[4], ARGV[5], ARGV[6])
return 1
`,
);

/** ARGV: 1 to 6 as of an insert. Answers 0 where there is none any more. */
export const replaceRecordScript = new Script(
  'replaceRecord',
  `${steps}
local key = recordKey(ARGV[1], ARGV[2])
local seq = call('HGET', key, 'seq')
if not seq then return 0 end
weigh(ARGV[1], ARGV[2], #ARGV[3])
call('HSET', key, 'text', ARGV[3], 'open', ARGV[4], 'kept', ARGV[5])
note(ARGV[1], ARGV[2], seq, ARGV[4], ARGV[5], ARGV[6])
return 1
`,
);

/**
 * ARGV: 1 to 6 as of an insert, 7 the SHA-1 of the text that is to be there still, 8 and 9 name and token of a lease, or ''. Answers 0 where it is not, or
 * there is none any more; -2 where the lease is somebody else's. Done twice it is done once.
 */
export const reviseRecordScript = new Script(
  'reviseRecord',
  `${steps}${leaseStep}
if not mayWrite(ARGV[8], ARGV[9]) then return -2 end
local key = recordKey(ARGV[1], ARGV[2])
local found = call('HMGET', key, 'seq', 'text')
if not found[1] then return 0 end
if found[2] == ARGV[3] then return 1 end
if redis.sha1hex(found[2]) ~= ARGV[7] then return 0 end
weigh(ARGV[1], ARGV[2], #ARGV[3])
call('HSET', key, 'text', ARGV[3], 'open', ARGV[4], 'kept', ARGV[5])
note(ARGV[1], ARGV[2], found[1], ARGV[4], ARGV[5], ARGV[6])
return 1
`,
);

/** ARGV: 1 kind, 2 id. Answers whether there was one. */
export const removeRecordScript = new Script(
  'removeRecord',
  `${steps}
return forget(ARGV[1], ARGV[2])
`,
);

/** What open batches hold whose writers did not tell it: what their texts name, by members. Once each. */
const tellHolds = `
local function tellHolds(members)
  local seen = call('GET', P .. 'rhseq') or '0'
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'ro:batch', '(' .. seen, '+inf')) do
    local r = call('HMGET', recordKey('batch', id), 'text', 'holds')
    local isJson, batch = pcall(cjson.decode, not r[2] and r[1] or 'null')
    local files = {}
    for _, member in ipairs(isJson and type(batch) == 'table' and members or {}) do
      if type(batch[member]) == 'string' then files[#files + 1] = batch[member] end
    end
    if #files > 0 then hold('batch', id, table.concat(files, ' ')) end
  end
  call('SET', P .. 'rhseq', call('GET', P .. 'rseq') or '0')
end
`;

/**
 * ARGV: 1 id of a file, the others names of members by which batches name theirs. Answers the id of the open record that holds it; else whether there was one, as a
 * number.
 */
export const removeFileScript = new Script(
  'removeFile',
  `${steps}${tellHolds}
if not call('HGET', recordKey('file', ARGV[1]), 'seq') then return 0 end
tellHolds({unpack(ARGV, 2)})
while true do
  local holder = call('SRANDMEMBER', heldBy(ARGV[1]))
  if not holder then return forget('file', ARGV[1]) end
  local kind, id = string.match(holder, '^([^:]+):(.*)$')
  if call('ZSCORE', P .. 'ro:' .. kind, id) then return id end
  call('SREM', heldBy(ARGV[1]), holder)
end
`,
);

/** ARGV: 1 kind. Answers how many, and the bytes of their texts. */
export const recordTotalsScript = new Script(
  'recordTotals',
  `${steps}
return {call('ZCARD', P .. 'rl:' .. ARGV[1]), tonumber(call('HGET', P .. 'rb', ARGV[1]) or '0')}
`,
);

/** ARGV: 1 kind, 2 most that may be left, 3 their most bytes, 4 how many are removed at most. Answers their ids. */
export const trimRecordsScript = new Script(
  'trimRecords',
  `${steps}
local kind, gone = ARGV[1], {}
while #gone < tonumber(ARGV[4]) do
  local bytes = tonumber(call('HGET', P .. 'rb', kind) or '0')
  if call('ZCARD', P .. 'rl:' .. kind) <= tonumber(ARGV[2]) and bytes <= tonumber(ARGV[3]) then break end
  local id = call('ZRANGE', P .. 'rk:' .. kind, 0, 0)[1]
  if not id then break end
  forget(kind, id)
  gone[#gone + 1] = id
end
return gone
`,
);

/**
 * ARGV: 1 kind, 2 `rl` or `ro`, 3 `newest` or `oldest` first, 4 number after which, or '', 5 how many at most. Answers {id, number, text, open, kept, holds}…
 */
export const listRecordsScript = new Script(
  'listRecords',
  `${steps}
local kind, set, after = ARGV[1], P .. ARGV[2] .. ':' .. ARGV[1], ARGV[4]
local ids
if ARGV[3] == 'newest' then
  ids = call('ZREVRANGEBYSCORE', set, after == '' and '+inf' or '(' .. after, '-inf', 'LIMIT', 0, ARGV[5])
else
  ids = call('ZRANGEBYSCORE', set, after == '' and '-inf' or '(' .. after, '+inf', 'LIMIT', 0, ARGV[5])
end
local found = {}
for _, id in ipairs(ids) do
  local r = call('HMGET', recordKey(kind, id), 'seq', 'text', 'open', 'kept', 'holds')
  if r[1] then found[#found + 1] = {id, r[1], r[2], r[3], r[4], r[5] or ''} end
end
return found
`,
);
