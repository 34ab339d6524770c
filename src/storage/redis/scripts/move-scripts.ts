import { Script } from '../connection/script';

/**
 * A task as it was somewhere else. ARGV: 1 JSON {id, seq, sid, own, st, ok, dl, prio, lane, def, kept, state, most, time, ttl, most_sessions}, where `st` is
 * `q` (it waits), `s` (output of it was seen, and nobody runs it) or `x` (it has ended); 2 JSON of its events in lists, from number 1 on; 3… fields of its hash
 * and their values.
 */
export const importTaskScript = new Script(
  'importTask',
  `
local a = cjson.decode(ARGV[1])
local key, at = taskKey(a.id), now()
for i = 3, #ARGV, 2 do call('HSET', key, ARGV[i], ARGV[i + 1]) end
call('ZADD', P .. 'all', a.seq, a.id)
call('ZADD', P .. 'of:' .. a.sid, a.seq, a.id)
local first = 1
for _, run in ipairs(cjson.decode(ARGV[2])) do
  call('XADD', P .. 'e:' .. a.id, first .. '-0', 'd', run[1])
  first = first + run[2]
end
if a.st == 'x' then
  call('ZADD', P .. 'ended', a.kept, a.id)
  call('ZADD', P .. 'as:' .. a.state, a.seq, a.id)
  if first > 1 then call('SADD', P .. 'untold', a.id) end
  return 1
end
local s = loadSession(a.sid, at, a.ttl) or freshSession(at, a.own)
if s.own == '1' then s.own = a.own end
local left = a.time - s.sm - s.rm
local res = {a.most[1], math.max(math.min(a.most[2], left), math.min(a.most[2], 1)), a.most[3]}
s.rt, s.rm, s.rc, s.live, s.ren = s.rt + res[1], s.rm + res[2], s.rc + res[3], s.live + 1, at
saveSession(a.sid, s, at, a.ttl, a.most_sessions)
local function whole(n) return string.format('%.0f', n) end
call('HSET', key, 'sgen', tostring(s.gen), 'rest', whole(res[1]), 'resm', whole(res[2]), 'resc', whole(res[3]), 'tl', whole(res[2]),
  'rem', cjson.encode(sessionView(s, at, a.ttl)))
call('SADD', P .. 'live', a.id)
call('ZADD', P .. 'deadlines', a.dl, a.id)
if a.st == 'q' then enqueue(a.id, a.seq, a.ok, a.prio, a.lane, a.def) else call('ZADD', P .. 'leases', 0, a.id) end
return 1
`,
);

/** What a session has used. ARGV: 1 id, 2 tokens, 3 milliseconds, 4 millionths of cost, 5 turns, 6 time to live, 7 most sessions that are idle. */
export const importSessionScript = new Script(
  'importSession',
  `
local at = now()
local s = freshSession(at, '0')
s.st, s.sm, s.sc, s.turns, s.used = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), '1'
saveSession(ARGV[1], s, at, tonumber(ARGV[6]), tonumber(ARGV[7]))
return 1
`,
);

/** The server's time. */
export const timeScript = new Script('time', `return text(now())`);
