const KEYS = `
local P = KEYS[1] .. ':'
local call = redis.call
`;

/** Before all scripts: names of keys, the time, and what several of them do. */
export const prelude = {
  /** Milliseconds since 1970 by the server, with microseconds: all orders and spans of the deployment are by it. */
  clock: `local function now() local t = call('TIME') return t[1] * 1000 + t[2] / 1000 end`,
  /** `ORCHD_STORE_LEASE_MS`, of this process: nodes may have another, for each gives leases to itself alone. */
  leaseMs: 6000,
  steps: `
-- Numbers go out as text: three decimals hold a microsecond, and cjson would cut them.
local function text(n) return string.format('%.3f', n) end
local function taskKey(id) return P .. 't:' .. id end
local function laneKey(lane, prio) return P .. 'q:' .. lane .. ':' .. prio end
local function slotKey(replica) return P .. 'slot:' .. replica end
local function memberOf(seq, id) return string.format('%016d:%s', seq, id) end
local function idOf(member) return string.sub(member, 18) end

-- A server without memory refuses steps that begin by writing more; one that begins by taking away it lets through. For what keeps or ends what was
-- promised, so that memory comes free again.
local function letThrough() call('DEL', P .. 'none') end

-- Tells nodes that they may claim; they find out by themselves as well.
local function wake() call('SPUBLISH', P .. 'wake', '') end

-- Into the queue, at its place. lane: {key, definition}
local function enqueue(id, seq, ok, prio, lane, definition)
  local member = memberOf(seq, id)
  if call('HSETNX', P .. 'lanes', lane, definition) == 1 then call('INCR', P .. 'lv') end
  call('ZADD', laneKey(lane, prio), ok, member)
  call('ZADD', P .. 'w:' .. prio, ok, member)
  call('INCRBY', P .. 'bytes', call('HGET', taskKey(id), 'bytes'))
end

-- Out of it. A lane that is empty stays for a while: tick takes it away.
local function dequeue(id, seq, prio, lane)
  local member = memberOf(seq, id)
  call('ZREM', P .. 'w:' .. prio, member)
  if call('ZREM', laneKey(lane, prio), member) == 1 then
    call('INCRBY', P .. 'bytes', -tonumber(call('HGET', taskKey(id), 'bytes')))
  end
end

-- How many of a set go before this one, which need not be in it.
local function rank(key, ok, member)
  local before = call('ZCOUNT', key, '-inf', '(' .. ok)
  for _, other in ipairs(call('ZRANGEBYSCORE', key, ok, ok)) do
    if other < member then before = before + 1 end
  end
  return before
end

local function depth()
  return call('ZCARD', P .. 'w:i'), call('ZCARD', P .. 'w:b')
end

local function lanesVersion() return tonumber(call('GET', P .. 'lv') or 0) end

-- Slots in use: one member for each, whichever node it is at. Those of broken off attempts lapse by themselves.
local function slotsTaken(replica, at)
  local key = slotKey(replica)
  call('ZREMRANGEBYSCORE', key, '-inf', text(at))
  return call('ZCARD', key)
end

local function freeSlot(replica, id)
  if replica == '' then return end
  call('ZREM', slotKey(replica), id)
end

-- Of an attempt that was broken off: the engine may be busy with it, until its node says that it is not, or for so long at most.
local RELEASE_MS = 15000
local function cutSlot(replica, id, token, at)
  if replica == '' then return end
  call('ZREM', slotKey(replica), id)
  call('ZADD', slotKey(replica), text(at + RELEASE_MS), 'cut:' .. token)
end

-- Sessions. Amounts are whole units; a session is at work while tasks of it are live, and idle ones lapse.
local SES = {'st','sm','sc','rt','rm','rc','turns','live','own','last','ren','gen','used'}
local function sessionKey(sid) return P .. 's:' .. sid end

local function loadSession(sid, at, ttl)
  local v = call('HMGET', sessionKey(sid), unpack(SES))
  if not v[1] then return nil end
  local s = {}
  for i, name in ipairs(SES) do s[name] = v[i] or '' end
  for _, name in ipairs({'st','sm','sc','rt','rm','rc','turns','live','ren'}) do s[name] = tonumber(s[name]) or 0 end
  if s.live <= 0 and s.ren + ttl <= at then
    call('DEL', sessionKey(sid))
    call('ZREM', P .. 'idle', sid)
    return nil
  end
  return s
end

local function freshSession(at, own)
  return {st=0, sm=0, sc=0, rt=0, rm=0, rc=0, turns=0, live=0, own=own, last='', ren=at, gen=call('INCR', P .. 'gen'), used='0'}
end

local function saveSession(sid, s, at, ttl, most)
  local key = sessionKey(sid)
  local args = {}
  for _, name in ipairs(SES) do
    args[#args + 1] = name
    args[#args + 1] = name == 'ren' and text(s.ren) or (type(s[name]) == 'number' and string.format('%.0f', s[name]) or s[name])
  end
  call('HSET', key, unpack(args))
  if s.live > 0 then
    call('PERSIST', key)
    call('ZREM', P .. 'idle', sid)
    return
  end
  call('PEXPIRE', key, string.format('%.0f', ttl + 1000))
  call('ZADD', P .. 'idle', text(s.ren), sid)
  call('ZREMRANGEBYSCORE', P .. 'idle', '-inf', text(at - ttl - 1000))
  local over = call('ZCARD', P .. 'idle') - most
  if over > 0 then
    for _, oldest in ipairs(call('ZRANGE', P .. 'idle', 0, over - 1)) do
      call('DEL', sessionKey(oldest))
      call('ZREM', P .. 'idle', oldest)
    end
  end
end

-- As a node reads it: spent and reserved, turns, live tasks, whether it is one task's own, where it last ran, what is left of its life.
local function sessionView(s, at, ttl)
  local left = s.live > 0 and ttl or math.max(0, s.ren + ttl - at)
  local function whole(n) return string.format('%.0f', n) end
  return {whole(s.st), whole(s.sm), whole(s.sc), whole(s.rt), whole(s.rm), whole(s.rc), whole(s.turns), whole(s.live), s.own, s.last, text(left)}
end

-- Ends what a task has reserved: at most that is spent. b: ttl and most of sessions.
local function settle(id, used, isTurn, at, b)
  local t = call('HMGET', taskKey(id), 'sid', 'sgen', 'rest', 'resm', 'resc')
  local s = loadSession(t[1], at, b.ttl)
  if not s or tostring(s.gen) ~= t[2] then
    return sessionView(s or {st=0, sm=0, sc=0, rt=0, rm=0, rc=0, turns=0, live=0, own='1', last='', ren=at}, at, b.ttl)
  end
  local res = {tonumber(t[3]), tonumber(t[4]), tonumber(t[5])}
  s.rt, s.rm, s.rc = s.rt - res[1], s.rm - res[2], s.rc - res[3]
  s.st = s.st + math.min(used[1], res[1])
  s.sm = s.sm + math.min(used[2], res[2])
  s.sc = s.sc + math.min(used[3], res[3])
  s.live = s.live - 1
  s.ren = at
  s.used = '1'
  if isTurn then s.turns = s.turns + 1 end
  if s.live <= 0 and s.own == '1' then
    call('DEL', sessionKey(t[1]))
  else
    saveSession(t[1], s, at, b.ttl, b.most)
  end
  return sessionView(s, at, b.ttl)
end

-- The right to a task: whoever writes about it presents its token.
local function nextToken() return tostring(call('INCR', P .. 'token')) end


-- An ending is won: nobody else touches the task, and what it held is free. It is written once its node has its transcript.
local function win(id, node, token, ending, used, isTurn, at, b)
  local t = call('HMGET', taskKey(id), 'seq', 'prio', 'lane', 'repl', 'st')
  if t[5] == 'q' then dequeue(id, t[1], t[2], t[3]) end
  if t[5] == 'r' then call('ZREM', P .. 'retries', id) end
  if b.cut == 1 then cutSlot(t[4] or '', id, token, at) else freeSlot(t[4] or '', id) end
  call('ZREM', P .. 'deadlines', id)
  local view = settle(id, used, isTurn, at, b)
  call('HSET', taskKey(id), 'st', 'e', 'node', node, 'tok', token, 'repl', '', 'end', ending, 'eat', text(at), 'view', cjson.encode(view))
  call('ZADD', P .. 'leases', text(at + LEASE_MS), id)
  local i, batch = depth()
  if i + batch > 0 then wake() end
  return view
end

-- Pools that give no slots while somebody reloads or empties them: nodes hear of that a moment later.
local function closedPools(at)
  local closed = {}
  local works = call('HGETALL', P .. 'works')
  for i = 1, #works, 2 do
    local isHeld = tonumber(call('ZSCORE', P .. 'workLeases', works[i]) or 0) > at
    closed[works[i]] = isHeld and cjson.decode(works[i + 1]).closes
  end
  return closed
end

-- The best place for a task among those with a free slot. Each is {replica, slots, preferred, mustLoad, model}; warm is where its session last ran.
local function bestSlot(places, warm, at)
  local best, bestFree
  local closed = closedPools(at)
  for index, place in ipairs(places) do
    local free = tonumber(place[2]) - slotsTaken(place[1], at)
    if free > 0 and not closed[string.match(place[1], '^[^/]*')] then
      local better
      if not best then better = true
      else
        local other = places[best]
        if (place[1] == warm) ~= (other[1] == warm) then better = place[1] == warm
        elseif place[3] ~= other[3] then better = place[3] == 1
        elseif place[4] ~= other[4] then better = place[4] == 0
        elseif free ~= bestFree then better = free > bestFree
        else better = place[1] < other[1] end
      end
      if better then best, bestFree = index, free end
    end
  end
  return best
end

local CLAIM = {'spec','prompt','told','hash','seq','ok','at','pos','att','ref','rem','tl','dl','avoid','fail','own'}

-- An attempt begins: on a slot of a replica, or on none of a pool's.
local function startAttempt(id, node, replica, isWarm, model, at)
  local key = taskKey(id)
  local t = call('HMGET', key, 'seq', 'prio', 'lane', 'sid', 'sgen')
  dequeue(id, t[1], t[2], t[3])
  local token = nextToken()
  call('HINCRBY', key, 'att', 1)
  call('HSET', key, 'st', 'd', 'node', node, 'tok', token, 'repl', replica)
  call('ZADD', P .. 'leases', text(at + LEASE_MS), id)
  if replica ~= '' then
    call('ZADD', slotKey(replica), '+inf', id)
    local session = sessionKey(t[4])
    if call('HGET', session, 'gen') == t[5] then call('HSET', session, 'last', replica) end
  end
  local claim = call('HMGET', key, unpack(CLAIM))
  claim[13] = text(tonumber(claim[13]) - at)
  for i, v in ipairs(claim) do claim[i] = v or '' end
  return {id, token, replica, isWarm and 1 or 0, claim, model}
end

local function warmOf(id)
  local t = call('HMGET', taskKey(id), 'sid', 'own')
  if t[2] == '1' then return '' end
  return call('HGET', sessionKey(t[1]), 'last') or ''
end
`,
  get text(): string {
    return `${KEYS}${this.clock}\nlocal LEASE_MS = ${this.leaseMs}\n${this.steps}`;
  },
};
