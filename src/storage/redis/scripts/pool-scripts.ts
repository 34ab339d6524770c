import { Script } from '../connection/script';

/** All that is kept of pools. Answers {version, bindings, drains}. */
export const poolsScript = new Script(
  'pools',
  `return {tonumber(call('GET', P .. 'pv') or 0), call('HGETALL', P .. 'bindings'), call('HGETALL', P .. 'drains')}`,
);

/** ARGV: 1 `bindings` or `drains`, 2 name, 3 what is kept of it, '' for nothing any more. */
export const savePoolsScript = new Script(
  'savePools',
  `
local key = P .. ARGV[1]
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
