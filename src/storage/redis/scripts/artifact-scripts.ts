import { Script } from '../connection/script';

/**
 * An artifact is a text by its hash, held as a document, or by tasks whose transcript it is, each from when it put it first. Lists are by the
 * latest of those, newest first: scores are negative, so that ties go by id.
 */
const steps = `
local function textKey(id) return P .. 'a:' .. id end
local function holdersKey(id) return P .. 'ah:' .. id end

-- Where it stands in lists, by what holds it now; gone where nothing does.
local function place(id)
  local a = call('HMGET', textKey(id), 'doc', 'bytes')
  if not a[2] then return end
  local latest = call('ZRANGE', holdersKey(id), -1, -1, 'WITHSCORES')
  local isDocument = a[1] ~= ''
  if not isDocument and not latest[1] then
    call('DEL', textKey(id), holdersKey(id))
    call('ZREM', P .. 'al', id)
    call('ZREM', P .. 'al:t', id)
    call('INCRBY', P .. 'ab', -a[2])
    return
  end
  local stored = math.max(tonumber(latest[2]) or 0, tonumber(a[1]) or 0)
  call('ZADD', P .. 'al', -stored, id)
  call('ZADD', P .. (isDocument and 'al:d' or 'al:t'), -stored, id)
  call('ZREM', P .. (isDocument and 'al:t' or 'al:d'), id)
end

local function release(id, task)
  call('ZREM', holdersKey(id), task)
  call('ZREM', P .. 'ax', id .. ':' .. task)
  call('ZREM', P .. 'at:' .. task, id)
end

-- How many were let go of.
local function releaseOldest(before, most)
  local held = call('ZRANGEBYSCORE', P .. 'ax', '-inf', before, 'LIMIT', 0, most)
  for _, member in ipairs(held) do
    local id = string.sub(member, 1, 64)
    release(id, string.sub(member, 66))
    place(id)
  end
  return #held
end
`;

/** ARGV: 1 id, 2 `d` or `t`, 3 task or '', 4 when, in running time, 5 wall time, 6 bytes, 7 text, 8 most bytes in all. Answers 1; 0 where there is no room. */
export const putArtifactScript = new Script(
  'putArtifact',
  `${steps}
local id, isDocument, task, at, bytes, most = ARGV[1], ARGV[2] == 'd', ARGV[3], ARGV[4], tonumber(ARGV[6]), tonumber(ARGV[8])
local key = textKey(id)
local known = call('HGET', key, 'doc')
local ofDocuments = tonumber(call('GET', P .. 'abd') or 0)
if not known then
  if ofDocuments + bytes > most then return 0 end
  while tonumber(call('GET', P .. 'ab') or 0) + bytes > most do
    if releaseOldest('+inf', 1) == 0 then return 0 end
  end
  call('HSET', key, 'json', ARGV[7], 'bytes', bytes, 'at', ARGV[5], 'doc', '')
  call('INCRBY', P .. 'ab', bytes)
end
if isDocument and (known or '') == '' then
  call('HSET', key, 'doc', at)
  call('INCRBY', P .. 'abd', bytes)
elseif not isDocument and call('ZADD', holdersKey(id), 'NX', at, task) == 1 then
  call('ZADD', P .. 'ax', at, id .. ':' .. task)
  call('ZADD', P .. 'at:' .. task, -at, id)
end
place(id)
return 1
`,
);

/** ARGV: 1 id. Answers whether there was one. */
export const deleteArtifactScript = new Script(
  'deleteArtifact',
  `${steps}
local id, key = ARGV[1], textKey(ARGV[1])
local a = call('HMGET', key, 'doc', 'bytes')
if not a[2] then return 0 end
if a[1] ~= '' then
  call('INCRBY', P .. 'abd', -a[2])
  call('HSET', key, 'doc', '')
  call('ZREM', P .. 'al:d', id)
end
for _, task in ipairs(call('ZRANGE', holdersKey(id), 0, -1)) do release(id, task) end
place(id)
return 1
`,
);

/** Lets go of transcripts that were put before a time. ARGV: 1 that time, 2 how many at most. Answers how many. */
export const expireArtifactsScript = new Script(
  'expireArtifacts',
  `${steps} return releaseOldest('(' .. ARGV[1], ARGV[2])`,
);

/**
 * ARGV: 1 `al`, `al:d`, `al:t` or `at:<task>`, 2 time and 3 id after which, or '', 4 how many, 5 the task asked for, or '', 6 kind that is wanted, or ''.
 * Answers {id, kind, task, wall time, time, bytes}…
 */
export const listArtifactsScript = new Script(
  'listArtifacts',
  `${steps}
local found, wanted, offset = {}, tonumber(ARGV[4]), 0
local from = ARGV[2] == '' and '-inf' or '-' .. ARGV[2]
while #found < wanted do
  local ids = call('ZRANGEBYSCORE', P .. ARGV[1], from, '+inf', 'WITHSCORES', 'LIMIT', offset, 200)
  if #ids == 0 then break end
  for i = 1, #ids, 2 do
    local id, score = ids[i], tonumber(ids[i + 1])
    local isAfter = ARGV[2] == '' or score > tonumber(from) or id > ARGV[3]
    if isAfter and #found < wanted then
      local a = call('HMGET', textKey(id), 'doc', 'at', 'bytes')
      local kind = a[1] == '' and 't' or 'd'
      local latest = call('ZRANGE', holdersKey(id), -1, -1)[1]
      local task = ARGV[5] ~= '' and ARGV[5] or latest or ''
      if a[3] and (ARGV[6] == '' or ARGV[6] == kind) then
        found[#found + 1] = {id, kind, task, a[2], string.format('%.0f', -score), a[3]}
      end
    end
  end
  offset = offset + 200
end
return found
`,
);
