import { Script } from '../connection/script';

const HEARD_FOR_MS = 600_000;

/**
 * What nodes do to pools lapses with them, and what they have bound for a time is this node's from now on, so that it lapses too.
 * ARGV: 1 JSON of this node's works, each as its JSON, 2 this node, or '' where bindings are not looked at; answers the version of what is kept of pools.
 */
export const lookAtPoolsScript = new Script(
  'lookAtPools',
  `
local mine, at, isChanged = {}, now(), false
letThrough()
for _, kept in ipairs(cjson.decode(ARGV[1])) do
  local work = cjson.decode(kept)
  mine[work.id] = true
  -- It lapsed while its node was away, or another server has lost it. What it ends is not ended twice.
  if work.closes and call('HSETNX', P .. 'works', work.poolId, kept) == 1 then isChanged = true end
end
local works = call('HGETALL', P .. 'works')
for i = 1, #works, 2 do
  local work = cjson.decode(works[i + 1])
  if mine[work.id] then
    call('ZADD', P .. 'workLeases', text(at + LEASE_MS), works[i])
  elseif tonumber(call('ZSCORE', P .. 'workLeases', works[i]) or 0) <= at then
    call('HDEL', P .. 'works', works[i])
    call('ZREM', P .. 'workLeases', works[i])
    isChanged = true
  end
end
local bindings = ARGV[2] ~= '' and call('HGETALL', P .. 'bindings') or {}
for i = 1, #bindings, 2 do
  local kept = bindings[i + 1]
  if string.find(kept, '"ttlMs":', 1, true) then
    local by = cjson.decode(kept).by
    local from, to = string.find(kept, '"by":"' .. by .. '"', 1, true)
    if by ~= ARGV[2] and from and tonumber(call('ZSCORE', P .. 'nodes', by) or 0) <= at then
      call('HSET', P .. 'bindings', bindings[i], string.sub(kept, 1, from - 1) .. '"by":"' .. ARGV[2] .. '"' .. string.sub(kept, to + 1))
      isChanged = true
    end
  end
end
if isChanged then
  call('INCR', P .. 'pv')
  call('SPUBLISH', P .. 'pools', '')
end
return tonumber(call('GET', P .. 'pv') or 0)
`,
);

/** All that is kept of pools. Answers {version, bindings, drains, works, purges}. */
export const poolsScript = new Script(
  'pools',
  `
return {
  tonumber(call('GET', P .. 'pv') or 0), call('HGETALL', P .. 'bindings'), call('HGETALL', P .. 'drains'),
  call('HGETALL', P .. 'works'), call('HGETALL', P .. 'purges')
}
`,
);

/** ARGV: 1 `bindings` or `drains`, 2 name, 3 what is kept of it, '' for nothing any more, 4 a node, where it is removed only if that has made it, or one that is no more. */
export const savePoolsScript = new Script(
  'savePools',
  `
local key = P .. ARGV[1]
if ARGV[4] ~= '' then
  local kept = call('HGET', key, ARGV[2])
  local by = kept and cjson.decode(kept).by
  if by and by ~= ARGV[4] and tonumber(call('ZSCORE', P .. 'nodes', by) or 0) > now() then return 0 end
end
if ARGV[3] == '' then
  if call('HDEL', key, ARGV[2]) == 0 then return 0 end
else
  call('HSET', key, ARGV[2], ARGV[3])
end
call('INCR', P .. 'pv')
call('SPUBLISH', P .. 'pools', '')
return 1
`,
);

/** ARGV: 1 pool, 2 work as JSON, with the node that begins it as `by`. Answers nothing where it begins, else the one that is under way. */
export const beginWorkScript = new Script(
  'beginWork',
  `
local at, work = now(), cjson.decode(ARGV[2])
local other = call('HGET', P .. 'works', ARGV[1])
if other and tonumber(call('ZSCORE', P .. 'workLeases', ARGV[1]) or 0) > at then
  -- Asked again, for the first answer was lost.
  if cjson.decode(other).id == work.id then return false end
  return other
end
call('HSET', P .. 'works', ARGV[1], ARGV[2])
if work.operation == 'purge' then call('HSET', P .. 'lastPurges', ARGV[1], work.id) end
call('ZADD', P .. 'workLeases', text(at + LEASE_MS), ARGV[1])
call('INCR', P .. 'pv')
call('SPUBLISH', P .. 'pools', '')
return false
`,
);

/** A node has heard of works of others. ARGV: 1 node, 2… ids. Of one that never ends, as its node is killed, this is not kept for long. */
export const hearWorksScript = new Script(
  'hearWorks',
  `
local isNew = false
letThrough()
for i = 2, #ARGV do
  local key = P .. 'heard:' .. ARGV[i]
  if call('SADD', key, ARGV[1]) == 1 then isNew = true end
  call('PEXPIRE', key, '${HEARD_FOR_MS}')
end
if isNew then call('SPUBLISH', P .. 'pools', '') end
return 1
`,
);

/** ARGV: 1 the node whose work it is, 2 id of the work. Answers 1 where all other nodes that are there have heard of it. */
export const heardByAllScript = new Script(
  'heardByAll',
  `
for _, node in ipairs(call('ZRANGEBYSCORE', P .. 'nodes', text(now()), '+inf')) do
  if node ~= ARGV[1] and call('SISMEMBER', P .. 'heard:' .. ARGV[2], node) == 0 then return 0 end
end
return 1
`,
);

/**
 * ARGV: 1 pool, 2 id of the work, 3 what a purge came to, or ''; not kept where that has lapsed and another was begun since. That this one was begun may be
 * lost, for another server has taken over: then one before is the last that is known of.
 */
export const endWorkScript = new Script(
  'endWork',
  `
local work = call('HGET', P .. 'works', ARGV[1])
if work and cjson.decode(work).id == ARGV[2] then
  call('HDEL', P .. 'works', ARGV[1])
  call('ZREM', P .. 'workLeases', ARGV[1])
end
call('DEL', P .. 'heard:' .. ARGV[2])
local last = call('HGET', P .. 'lastPurges', ARGV[1])
if ARGV[3] ~= '' and (not last or last <= ARGV[2]) then call('HSET', P .. 'purges', ARGV[1], ARGV[3]) end
call('INCR', P .. 'pv')
call('SPUBLISH', P .. 'pools', '')
return 1
`,
);
