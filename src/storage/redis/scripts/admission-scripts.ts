import { Script } from '../connection/script';

/**
 * Same id before? budgets, capacity, eviction, sequence, position, and a claim where the task alone waits.
 *
 * ARGV: 1 facts as JSON (see Admission in redis-ledger), 2 specification, 3 prompt, 4 what was told, 5 definition of the lane.
 * Answers `known`, `conflict`, `lanes` (the node knows other lanes than there are), `over` budget, `full`, or `ok`.
 */
export const admitScript = new Script(
  'admit',
  `
local a = cjson.decode(ARGV[1])
local key = taskKey(a.id)
local known = call('HMGET', key, 'hash', 'st')
if known[1] then
  if known[1] ~= a.hash or known[2] == 'x' then return {'conflict'} end
  -- Changes nothing, and is what the wait for the disk or a replica waits for: the first time may not have been waited for to its end.
  call('HSET', key, 'hash', a.hash)
  return {'known'}
end
local at = now()
if lanesVersion() ~= a.lv then return {'lanes'} end
local s = loadSession(a.sid, at, a.ttl)
local isNew = not s
if isNew then s = freshSession(at, a.own) end
local wanted = a.most
local timeLeft = a.budget[2] - s.sm - s.rm
local res = {wanted[1], math.max(math.min(wanted[2], timeLeft), math.min(wanted[2], 1)), wanted[3]}
local names, spent, reserved = {'tokens', 'time', 'cost'}, {s.st, s.sm, s.sc}, {s.rt, s.rm, s.rc}
for i = 1, 3 do
  local left = a.budget[i] - spent[i]
  if res[i] > left - reserved[i] then
    if isNew and a.own == '0' then saveSession(a.sid, s, at, a.ttl, a.most_sessions) end
    return {'over', names[i], res[i] > left and 1 or 0, sessionView(s, at, a.ttl)}
  end
end
local tasks, bytes = 0, tonumber(call('GET', P .. 'bytes') or 0)
local lanes, oldest, oldestKey = 0, nil, nil
for _, lane in ipairs(a.room) do
  local here = 0
  for _, prio in ipairs({'i', 'b'}) do
    local set = laneKey(lane, prio)
    local count = call('ZCARD', set)
    here = here + count
    if count > 0 then
      local head = call('ZRANGE', set, 0, 0)[1]
      if not oldest or head < oldest then oldest = head end
    end
  end
  tasks = tasks + here
  if here > 0 then lanes = lanes + 1 end
end
local isNewLane = call('HEXISTS', P .. 'lanes', a.lane) == 0
if bytes + a.bytes > a.maxBytes then return {'full', 'bytes'} end
if isNewLane and lanes >= a.maxLanes then return {'full', 'lanes'} end
local dropped = false
if tasks >= a.capacity then
  if a.drops == 0 or not oldest then return {'full', 'places'} end
  local id = idOf(oldest)
  local token = nextToken()
  local view = win(id, a.node, token, a.dropped, {0, 0, 0}, false, at, {ttl=a.ttl, most=a.most_sessions})
  dropped = {id, token, view, call('HGETALL', taskKey(id))}
  -- Both may be of one session.
  s = loadSession(a.sid, at, a.ttl) or s
end
if s.own == '1' then s.own = a.own end
s.rt, s.rm, s.rc, s.live, s.ren = s.rt + res[1], s.rm + res[2], s.rc + res[3], s.live + 1, at
saveSession(a.sid, s, at, a.ttl, a.most_sessions)
local function whole(n) return string.format('%.0f', n) end
local seq = call('INCR', P .. 'seq')
local ok = text(at + a.head)
local member = memberOf(seq, a.id)
local before = 0
for _, lane in ipairs(a.room) do
  before = before + rank(laneKey(lane, 'i'), ok, member) + rank(laneKey(lane, 'b'), ok, member)
end
local view = sessionView(s, at, a.ttl)
call('HSET', key, 'spec', ARGV[2], 'prompt', ARGV[3], 'told', ARGV[4], 'hash', a.hash, 'seq', seq, 'ok', ok, 'at', string.format('%.0f', at),
  'pos', before, 'st', 'q', 'lane', a.lane, 'lid', a.lid, 'def', ARGV[5], 'prio', a.prio, 'bytes', a.bytes, 'asked', wanted[1],
  'dl', text(at + a.deadline), 'node', '', 'tok', '', 'repl', '', 'att', 0, 'ref', 0, 'sid', a.sid, 'own', a.own, 'sgen', tostring(s.gen),
  'rest', whole(res[1]), 'resm', whole(res[2]), 'resc', whole(res[3]), 'tl', whole(res[2]), 'rem', cjson.encode(view))
enqueue(a.id, seq, ok, a.prio, a.lane, ARGV[5])
call('ZADD', P .. 'deadlines', text(at + a.deadline), a.id)
call('ZADD', P .. 'all', seq, a.id)
call('ZADD', P .. 'of:' .. a.sid, seq, a.id)
call('SADD', P .. 'live', a.id)
local i, b = depth()
local claim = false
if i + b == 1 and #a.places > 0 then
  local warm = a.own == '1' and '' or s.last
  local best = bestSlot(a.places, warm, at)
  if best then
    local place = a.places[best]
    claim = startAttempt(a.id, a.node, place[1], place[1] == warm, place[5], at)
  end
  if claim then i, b = 0, 0 end
end
if not claim then wake() end
return {'ok', {seq, ok, string.format('%.0f', at), before}, view, {i, b}, claim, dropped, lanesVersion()}
`,
);

/** Drops the task queued longest of a room that is full. ARGV: 1 JSON with the room, its capacity, the ending. */
export const makeRoomScript = new Script(
  'makeRoom',
  `
local a = cjson.decode(ARGV[1])
local at, tasks, oldest = now(), 0, nil
for _, lane in ipairs(a.room) do
  for _, prio in ipairs({'i', 'b'}) do
    local set = laneKey(lane, prio)
    tasks = tasks + call('ZCARD', set)
    local head = call('ZRANGE', set, 0, 0)[1]
    if head and (not oldest or head < oldest) then oldest = head end
  end
end
if tasks < a.capacity or not oldest then return false end
local id, token = idOf(oldest), nextToken()
local view = win(id, a.node, token, a.dropped, {0, 0, 0}, false, at, {ttl=a.ttl, most=a.most_sessions})
return {id, token, view, call('HGETALL', taskKey(id)), {depth()}}
`,
);

/**
 * A write that changes nothing: what was written of the task before, over whatever connection, is durable once this is. ARGV: 1 task id.
 */
export const confirmScript = new Script(
  'confirm',
  `
local hash = call('HGET', taskKey(ARGV[1]), 'hash')
if not hash then return 0 end
call('HSET', taskKey(ARGV[1]), 'hash', hash)
return 1
`,
);
