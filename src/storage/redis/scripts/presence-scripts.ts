import { NODE_GONE_MS } from '../../../pools/registry/pool-store.port';
import { Script } from '../connection/script';

/**
 * A node is here, and hears what has changed. ARGV: 1 node, 2 what is to be known of it, as JSON, 3 JSON of its settings by name, 4 `1` where they hold from
 * now on at all nodes, 5 the version of settings that it knows. Settings that nobody has set yet are set by whoever comes.
 * Answers {version of the keys, version of settings, settings where that is another, {name, what it was}… that it has changed, nodes}.
 */
export const presentScript = new Script(
  'present',
  `
local node, at = ARGV[1], now()
letThrough()
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'nodes', '-inf', text(at))) do
  call('ZREM', P .. 'nodes', id)
  call('HDEL', P .. 'nodeFacts', id)
end
call('ZADD', P .. 'nodes', text(at + math.max(${NODE_GONE_MS}, LEASE_MS)), node)
call('HSET', P .. 'nodeFacts', node, ARGV[2])
local changed, isChanged = {}, false
for name, value in pairs(cjson.decode(ARGV[3])) do
  local before = call('HGET', P .. 'settings', name)
  if not before or (ARGV[4] == '1' and before ~= value) then
    call('HSET', P .. 'settings', name, value)
    isChanged = true
    if before then
      changed[#changed + 1] = name
      changed[#changed + 1] = before
    end
  end
end
if isChanged then
  call('INCR', P .. 'sv')
  call('SPUBLISH', P .. 'nodes', '')
end
local version = tonumber(call('GET', P .. 'sv') or 0)
local settings = {}
if version ~= tonumber(ARGV[5]) then settings = call('HGETALL', P .. 'settings') end
return {call('GET', P .. 'schema'), version, settings, changed, call('ZCARD', P .. 'nodes')}
`,
);

/** A node goes. ARGV: 1 node. */
export const leaveScript = new Script(
  'leave',
  `
call('HDEL', P .. 'nodeFacts', ARGV[1])
return call('ZREM', P .. 'nodes', ARGV[1])
`,
);
