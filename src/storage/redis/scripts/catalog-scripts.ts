import { Script } from '../connection/script';

/** A change of one entry, told to all nodes by its id. ARGV: 1 id, 2 the text that is there, '' for none, 3 the new one, '' for none. Answers 1, or 0 where another text is there. */
export const changeModelScript = new Script(
  'changeModel',
  `
local key = P .. 'models'
local before = call('HGET', key, ARGV[1]) or ''
if before ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  call('HDEL', key, ARGV[1])
  call('ZREM', P .. 'modelIds', ARGV[1])
else
  call('HSET', key, ARGV[1], ARGV[3])
  call('ZADD', P .. 'modelIds', 0, ARGV[1])
end
call('INCR', P .. 'mv')
call('SPUBLISH', P .. 'models', ARGV[1])
return 1
`,
);
