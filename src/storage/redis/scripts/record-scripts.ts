import { Script } from '../connection/script';

/**
 * Ids of tasks by number of admission, newest first, with all fields but the prompt. ARGV: 1 the set to look through, 2 number before which, or
 * '', 3 how many, 4 states as JSON (of this store) or '', 5 state of an ending or ''. Looks at so many at most that others are not kept waiting.
 */
export const listScript = new Script(
  'list',
  `
local states = ARGV[4] ~= '' and cjson.decode(ARGV[4]) or nil
local wanted, found, looked = tonumber(ARGV[3]), {}, 0
local before = ARGV[2] == '' and '+inf' or '(' .. ARGV[2]
local fields = {'spec','told','hash','seq','ok','at','pos','st','att','place','started','end','eat','kept','tr','fail'}
local last = ''
while #found < wanted and looked < 2000 do
  local ids = call('ZREVRANGEBYSCORE', P .. ARGV[1], before, '-inf', 'WITHSCORES', 'LIMIT', 0, 100)
  if #ids == 0 then return {found, ''} end
  for i = 1, #ids, 2 do
    looked = looked + 1
    last = ids[i + 1]
    local v = call('HMGET', taskKey(ids[i]), unpack(fields))
    local fits = v[8] and (not states or states[v[8]])
    if fits and ARGV[5] ~= '' then fits = v[12] and cjson.decode(v[12]).state == ARGV[5] end
    if fits then
      local task = {}
      for at, name in ipairs(fields) do
        if v[at] then
          task[#task + 1] = name
          task[#task + 1] = v[at]
        end
      end
      found[#found + 1] = task
      if #found == wanted then return {found, ''} end
    end
  end
  before = '(' .. last
end
return {found, last}
`,
);

/** Names the transcript of a task that has ended without one. ARGV: 1 id, 2 transcript. Answers 0 while the ending is not written. */
export const nameTranscriptScript = new Script(
  'nameTranscript',
  `
local key = taskKey(ARGV[1])
local t = call('HMGET', key, 'st', 'tr')
if t[1] and t[1] ~= 'x' then return 0 end
call('SREM', P .. 'untold', ARGV[1])
call('PEXPIRE', P .. 'e:' .. ARGV[1], 60000)
if t[1] and t[2] == '' then call('HSET', key, 'tr', ARGV[2]) end
return 1
`,
);

/** Forgets tasks that have ended before a time. ARGV: 1 that time, 2 how many at most. Answers how many. */
export const expireScript = new Script(
  'expire',
  `
local ids = call('ZRANGEBYSCORE', P .. 'ended', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local key = taskKey(id)
  local t = call('HMGET', key, 'sid', 'end')
  call('ZREM', P .. 'ended', id)
  call('ZREM', P .. 'all', id)
  if t[1] then call('ZREM', P .. 'of:' .. t[1], id) end
  if t[2] then call('ZREM', P .. 'as:' .. cjson.decode(t[2]).state, id) end
  call('SREM', P .. 'untold', id)
  call('DEL', key, P .. 'e:' .. id)
end
return #ids
`,
);
