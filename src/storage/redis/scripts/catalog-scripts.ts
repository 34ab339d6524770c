import { Script } from '../connection/script';

/** A change of one entry, told to all nodes by its id. ARGV: 1 id, 2 the text that is there, '' for none, 3 the new one, '' for none. Answers the version of the catalogue that it is in, or 0 where another text is there. */
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
local version = call('INCR', P .. 'mv')
call('SPUBLISH', P .. 'models', ARGV[1])
return version
`,
);

/** ARGV: 1 a version. Answers nothing where the catalogue is of that one, else {version, entries}. */
export const modelsScript = new Script(
  'models',
  `
local version = tonumber(call('GET', P .. 'mv') or 0)
if version == tonumber(ARGV[1]) then return false end
return { version, call('HGETALL', P .. 'models') }
`,
);
