import { Script } from '../connection/script';

/**
 * The first task in order that some free slot may run, with the best such slot. ARGV: 1 node, 2 JSON: a list of `[lane, places]`.
 * Answers {an attempt or nothing, {interactive, batch}, version of lanes}.
 */
export const claimScript = new Script(
  'claim',
  `
local at = now()
local candidates = {}
for _, entry in ipairs(cjson.decode(ARGV[2])) do
  for _, prio in ipairs({'i', 'b'}) do
    local head = call('ZRANGE', laneKey(entry[1], prio), 0, 0, 'WITHSCORES')
    if head[1] then candidates[#candidates + 1] = {tonumber(head[2]), head[1], entry[2]} end
  end
end
table.sort(candidates, function(x, y) if x[1] ~= y[1] then return x[1] < y[1] end return x[2] < y[2] end)
for _, candidate in ipairs(candidates) do
  local id = idOf(candidate[2])
  local warm = warmOf(id)
  local best = bestSlot(candidate[3], warm, at)
  if best then
    local place = candidate[3][best]
    local claim = startAttempt(id, ARGV[1], place[1], place[1] == warm, place[5], at)
    local i, b = depth()
    return {claim, {i, b}, lanesVersion()}
  end
end
local i, b = depth()
return {false, {i, b}, lanesVersion()}
`,
);

/** A queued task for a lease that is none of a pool's. ARGV: 1 node, 2 id. */
export const claimForScript = new Script(
  'claimFor',
  `
if call('HGET', taskKey(ARGV[2]), 'st') ~= 'q' then return false end
return startAttempt(ARGV[2], ARGV[1], '', false, '', now())
`,
);

/** Output of an attempt may be seen from now on. ARGV: 1 id, 2 token, 3 placement, 4 wall time of its first output. Answers 1, or 0 for who lost it. */
export const markScript = new Script(
  'mark',
  `
local key = taskKey(ARGV[1])
local t = call('HMGET', key, 'tok', 'st')
if t[1] ~= ARGV[2] or (t[2] ~= 'd' and t[2] ~= 's') then return 0 end
call('HSET', key, 'st', 's', 'place', ARGV[3], 'started', ARGV[4])
return 1
`,
);

/**
 * Gives an attempt back that has shown nothing. ARGV: 1 id, 2 token, 3 milliseconds until it is queued again, 4 replicas it avoids as JSON with
 * milliseconds for each (-1: as long as it lives), 5 whether the attempt counts, 6 why, 7 whether its engine
 * may still be at work on it.
 */
export const requeueScript = new Script(
  'requeue',
  `
local id, key = ARGV[1], taskKey(ARGV[1])
local t = call('HMGET', key, 'tok', 'st', 'repl', 'avoid')
if t[1] ~= ARGV[2] or t[2] ~= 'd' then return 0 end
local at = now()
letThrough()
if ARGV[7] == '1' then cutSlot(t[3], id, ARGV[2], at) else freeSlot(t[3], id) end
call('ZREM', P .. 'leases', id)
if ARGV[5] == '0' then
  call('HINCRBY', key, 'att', -1)
  call('HINCRBY', key, 'ref', 1)
end
local avoid = t[4] and cjson.decode(t[4]) or {}
for replica, ms in pairs(cjson.decode(ARGV[4])) do avoid[replica] = ms < 0 and '-1' or text(at + ms) end
call('HSET', key, 'st', 'r', 'node', '', 'tok', '', 'repl', '', 'fail', ARGV[6], 'avoid', cjson.encode(avoid))
call('ZADD', P .. 'retries', text(at + tonumber(ARGV[3])), id)
local i, b = depth()
if i + b > 0 then wake() end
return 1
`,
);

/** Engines are done with attempts that were broken off. ARGV: 1 replica, then the tokens of those. */
export const freeCutsScript = new Script(
  'freeCuts',
  `
for at = 2, #ARGV do call('ZREM', slotKey(ARGV[1]), 'cut:' .. ARGV[at]) end
local i, b = depth()
if i + b > 0 then wake() end
return 1
`,
);

/**
 * Wins the ending of a task. ARGV: 1 JSON {id, token, node, ending, used, turn, cut, again, ttl, most_sessions}; a token of '' is that of somebody who
 * does not run it, and `again` a node that was asked before and may not have heard it. Answers nothing for one that is not live or not held, `ending`, `asked` with the node that was, or `won`.
 */
export const winScript = new Script(
  'win',
  `
local a = cjson.decode(ARGV[1])
local key = taskKey(a.id)
local t = call('HMGET', key, 'tok', 'st', 'node', 'view')
local st = t[2]
if not st or st == 'x' then return false end
local at = now()
letThrough()
if a.token ~= '' then
  -- Asked again, for the first answer was lost.
  if t[1] == a.token and st == 'e' then return {'won', a.token, cjson.decode(t[4]), call('HGETALL', key), {depth()}} end
  if t[1] ~= a.token or (st ~= 'd' and st ~= 's') then return false end
elseif st == 'e' then
  return {'ending'}
elseif a.again ~= '' and t[3] ~= a.again then
  -- Who was asked has it no more: whoever asks begins anew.
  return false
elseif st == 'd' or st == 's' then
  call('HSET', P .. 'asks:' .. t[3], a.id, a.ending)
  -- A node that is no more never looks.
  call('PEXPIRE', P .. 'asks:' .. t[3], 6 * LEASE_MS)
  call('SPUBLISH', P .. 'node:' .. t[3], 'ask')
  return {'asked', t[3]}
end
-- Who runs it keeps its token: a renewal may be on its way with it.
local token = a.token ~= '' and a.token or nextToken()
local view = win(a.id, a.node, token, a.ending, a.used, a.turn == 1, at, {ttl=a.ttl, most=a.most_sessions, cut=a.cut})
return {'won', token, view, call('HGETALL', key), {depth()}}
`,
);

/**
 * Writes an ending that was won. ARGV: 1 id, 2 token, 3 the ending, 4 the transcript's id or ''. Answers 1; 0 where somebody else did it
 * meanwhile.
 */
export const recordScript = new Script(
  'record',
  `
local id, key = ARGV[1], taskKey(ARGV[1])
local t = call('HMGET', key, 'tok', 'st', 'seq', 'eat')
if t[1] ~= ARGV[2] then return 0 end
if t[2] == 'x' then return 1 end
if t[2] ~= 'e' then return 0 end
local at = text(now())
letThrough()
call('HSET', key, 'st', 'x', 'end', ARGV[3], 'tr', ARGV[4], 'kept', at)
call('HDEL', key, 'prompt', 'lid', 'def', 'avoid', 'fail', 'rem', 'view')
call('ZREM', P .. 'leases', id)
call('SREM', P .. 'live', id)
call('ZADD', P .. 'ended', at, id)
call('ZADD', P .. 'as:' .. cjson.decode(ARGV[3]).state, t[3], id)
if ARGV[4] == '' then call('SADD', P .. 'untold', id) end
call('SPUBLISH', P .. 'ev:' .. id, '')
return 1
`,
);
