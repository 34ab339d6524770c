import { Script } from '../connection/script';

/**
 * What a node does several times a second: renews its leases, hears what it was asked, and does for everybody what time has come for.
 *
 * ARGV: 1 node, 2 JSON of `[id, token]` to renew, 3 JSON of replicas whose slots it wants counted.
 * Answers {lost ids, asks, adopted, overdue ids, {interactive, batch}, version of lanes, slots taken, time, whether something was queued}.
 */
export const tickScript = new Script(
  'tick',
  `
local node, at = ARGV[1], now()
local lost, adopted, overdue, isQueued = {}, {}, {}, 0
letThrough()
for _, held in ipairs(cjson.decode(ARGV[2])) do
  if call('HGET', taskKey(held[1]), 'tok') == held[2] then
    call('ZADD', P .. 'leases', 'XX', text(at + LEASE_MS), held[1])
  else
    lost[#lost + 1] = held[1]
  end
end
local asks = call('HGETALL', P .. 'asks:' .. node)
if #asks > 0 then call('DEL', P .. 'asks:' .. node) end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', text(at), 'LIMIT', 0, 100)) do
  local key = taskKey(id)
  local t = call('HMGET', key, 'st', 'seq', 'ok', 'prio', 'lane', 'def', 'repl', 'lid')
  local st = t[1]
  if st == 'd' then
    call('ZREM', P .. 'leases', id)
    freeSlot(t[7], id)
    call('HSET', key, 'st', 'r', 'node', '', 'tok', '', 'repl', '')
    call('ZADD', P .. 'retries', text(at), id)
    isQueued = 1
  elseif st == 's' or st == 'e' then
    local token = nextToken()
    freeSlot(t[7], id)
    call('HSET', key, 'node', node, 'tok', token, 'repl', '')
    call('ZADD', P .. 'leases', text(at + LEASE_MS), id)
    adopted[#adopted + 1] = {id, token, call('HGETALL', key)}
  else
    call('ZREM', P .. 'leases', id)
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'retries', '-inf', text(at), 'LIMIT', 0, 100)) do
  call('ZREM', P .. 'retries', id)
  local key = taskKey(id)
  local t = call('HMGET', key, 'st', 'seq', 'ok', 'prio', 'lid', 'def', 'avoid', 'lane')
  if t[1] == 'r' or t[1] == 'q' then
    if t[1] == 'q' then dequeue(id, t[2], t[4], t[8]) end
    local names, nextAt = {}, nil
    for replica, untilAt in pairs(t[7] and cjson.decode(t[7]) or {}) do
      untilAt = tonumber(untilAt)
      if untilAt < 0 or untilAt > at then names[#names + 1] = replica end
      if untilAt > at and (not nextAt or untilAt < nextAt) then nextAt = untilAt end
    end
    table.sort(names)
    local lid, definition = t[5], t[6]
    if #names > 0 then
      lid = lid .. ' ' .. table.concat(names, ' ')
      definition = '{"avoided":' .. cjson.encode(names) .. ',' .. string.sub(definition, 2)
    end
    local lane = redis.sha1hex(lid)
    enqueue(id, t[2], t[3], t[4], lane, definition)
    call('HSET', key, 'st', 'q', 'lane', lane)
    if nextAt then call('ZADD', P .. 'retries', text(nextAt), id) end
    isQueued = 1
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', text(at), 'LIMIT', 0, 100)) do
  overdue[#overdue + 1] = id
  call('ZADD', P .. 'deadlines', text(at + 1000), id)
end
local slots = {}
for i, replica in ipairs(cjson.decode(ARGV[3])) do slots[i] = slotsTaken(replica, at) end
if isQueued == 1 then wake() end
local i, b = depth()
return {lost, asks, adopted, overdue, {i, b}, lanesVersion(), slots, text(at), isQueued}
`,
);

/** Lanes that nobody waits in are forgotten. ARGV: 1 JSON of lanes. Answers the version of the lanes, and all of them. */
export const lanesScript = new Script(
  'lanes',
  `
local all = call('HGETALL', P .. 'lanes')
local kept = {}
for at = 1, #all, 2 do
  local isEmpty = #all > 128 and call('ZCARD', laneKey(all[at], 'i')) + call('ZCARD', laneKey(all[at], 'b')) == 0
  if isEmpty then
    call('HDEL', P .. 'lanes', all[at])
    call('INCR', P .. 'lv')
  else
    kept[#kept + 1] = all[at]
    kept[#kept + 1] = all[at + 1]
  end
end
return {lanesVersion(), kept}
`,
);

/** Where a queued task stands. ARGV: 1 id, 2 JSON of the lanes of its room, by lane: {lane: room}. Answers nothing for one that is not queued. */
export const positionScript = new Script(
  'position',
  `
local t = call('HMGET', taskKey(ARGV[1]), 'st', 'seq', 'ok', 'lane')
if t[1] ~= 'q' then return false end
local rooms = cjson.decode(ARGV[2])
local member, before = memberOf(t[2], ARGV[1]), 0
for lane, room in pairs(rooms) do
  if room == rooms[t[4]] then
    before = before + rank(laneKey(lane, 'i'), t[3], member) + rank(laneKey(lane, 'b'), t[3], member)
  end
end
return before
`,
);

/**
 * What goes before a task, by lane: how many, and what a sample of them adds up to. ARGV: 1 JSON of lanes, 2 id, or '' with 3 the head start of one
 * that would come. Answers {lane, tasks, sampled, bytes, tokens}…
 */
export const aheadScript = new Script(
  'ahead',
  `
local ok, member
if ARGV[2] ~= '' then
  local t = call('HMGET', taskKey(ARGV[2]), 'st', 'seq', 'ok')
  if t[1] ~= 'q' then return {} end
  ok, member = t[3], memberOf(t[2], ARGV[2])
else
  ok, member = text(now() + tonumber(ARGV[3])), memberOf(9007199254740991, '')
end
local ahead = {}
for _, lane in ipairs(cjson.decode(ARGV[1])) do
  local tasks, sampled, bytes, tokens = 0, 0, 0, 0
  for _, prio in ipairs({'i', 'b'}) do
    local count = rank(laneKey(lane, prio), ok, member)
    tasks = tasks + count
    if count > 0 then
      for _, m in ipairs(call('ZRANGE', laneKey(lane, prio), math.max(0, count - 16), count - 1)) do
        local t = call('HMGET', taskKey(idOf(m)), 'bytes', 'asked')
        sampled, bytes, tokens = sampled + 1, bytes + (t[1] or 0), tokens + (t[2] or 0)
      end
    end
  end
  if tasks > 0 then ahead[#ahead + 1] = {lane, tasks, sampled, bytes, tokens} end
end
return ahead
`,
);

/** Lanes with how many wait in each. ARGV: 1 JSON of lanes. */
export const depthsScript = new Script(
  'depths',
  `
local depths = {}
for at, lane in ipairs(cjson.decode(ARGV[1])) do
  depths[at] = {call('ZCARD', laneKey(lane, 'i')), call('ZCARD', laneKey(lane, 'b'))}
end
return depths
`,
);
