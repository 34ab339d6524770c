import { Script } from '../connection/script';

/** A session as it stands, made if missing. ARGV: 1 id, 2 time to live, 3 most sessions that are idle. */
export const openSessionScript = new Script(
  'openSession',
  `
local at, ttl = now(), tonumber(ARGV[2])
local s = loadSession(ARGV[1], at, ttl)
if not s then
  s = freshSession(at, '0')
  saveSession(ARGV[1], s, at, ttl, tonumber(ARGV[3]))
end
return sessionView(s, at, ttl)
`,
);

/** Forgets a session. Tasks of it that still run settle into nothing: one that is made anew is another. ARGV: 1 id. */
export const deleteSessionScript = new Script(
  'deleteSession',
  `
call('ZREM', P .. 'idle', ARGV[1])
return call('DEL', sessionKey(ARGV[1]))
`,
);
