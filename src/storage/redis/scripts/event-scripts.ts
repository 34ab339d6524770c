import { Script } from '../connection/script';

/** Readers at other nodes have so long after the end of a stream to read it here; then there is its transcript. */
const KEPT_MS = 60_000;

/**
 * Appends events of a task, once: a batch that is there already changes nothing. ARGV: 1 id, 2 token, 3 number of the first, 4 the events as
 * JSON, 5 whether the last of them is terminal. Answers 1; 0 for who has lost the task.
 */
export const appendScript = new Script(
  'append',
  `
local id = ARGV[1]
local t = call('HMGET', taskKey(id), 'tok', 'tr')
if t[1] ~= ARGV[2] then return 0 end
local stream = P .. 'e:' .. id
local top = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if not top or tonumber(string.match(top[1], '^%d+')) < tonumber(ARGV[3]) then
  call('XADD', stream, ARGV[3] .. '-0', 'd', ARGV[4])
end
if ARGV[5] == '1' and t[2] and t[2] ~= '' then call('PEXPIRE', stream, ${KEPT_MS}) end
call('SPUBLISH', P .. 'ev:' .. id, '')
return 1
`,
);

/** Events after an entry. ARGV: 1 id, 2 that entry, or '-'. Answers {state or nothing, entries, milliseconds since it has ended}. */
export const readScript = new Script(
  'read',
  `
local from = ARGV[2] == '-' and '-' or '(' .. ARGV[2]
local t = call('HMGET', taskKey(ARGV[1]), 'st', 'kept')
local age = t[2] and text(now() - t[2]) or '0'
return {t[1], call('XRANGE', P .. 'e:' .. ARGV[1], from, '+', 'COUNT', 256), age}
`,
);
