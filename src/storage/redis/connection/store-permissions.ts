import type { Config } from '../../../config/config';
import { allScripts, Script } from './script';
import { StoreUnfit } from './store-faults';
import type { StoreLink } from './store-link';

/** What drivers send by itself, beside what scripts do. */
const DIRECT = ['GET', 'SET', 'HGET', 'HGETALL', 'HMGET', 'HSET', 'SRANDMEMBER', 'ZRANGEBYLEX'];
/** What a connection needs; a start finds out by using them. */
const CONNECTION = ['auth', 'select', 'info', 'eval', 'evalsha', 'script|load', 'ssubscribe', 'sunsubscribe', 'wait'];
/** Nodes work without; with it, a start sees whether the server is set as it has to be. */
const OPTIONAL = ['config|get'];

/** Names of commands that the user may not use on keys of the deployment. ARGV: JSON of names. */
const forbiddenScript = new Script(
  'forbidden',
  `
local forbidden = {}
for _, name in ipairs(cjson.decode(ARGV[1])) do
  if not redis.acl_check_cmd(name, P .. 'x', P .. 'x', P .. 'x') then forbidden[#forbidden + 1] = name end
end
return forbidden
`,
);

/** Every command that a driver uses, as its scripts name them. */
export function commandsOfKeys(): readonly string[] {
  const inScripts = allScripts().flatMap(({ text }) =>
    [...text.matchAll(/\bcall\('([A-Z]+)'/g)].map(([, name]) => name),
  );
  return [...new Set([...DIRECT, ...inScripts.filter(name => name !== undefined)])].sort();
}

/**
 * The least that a user of the store needs, as `ACL SETUSER` takes it after the user's name and password. Servers before 7.2 know no
 * `waitaof`; where it is what makes a task durable, it is needed too.
 */
export function leastRules(deployment: string): string {
  const commands = [...CONNECTION, ...OPTIONAL, ...commandsOfKeys().map(name => name.toLowerCase())];
  const each = [...new Set(commands)].sort().map(name => `+${name}`);
  return `resetkeys ~{${deployment}}* resetchannels &{${deployment}}:* -@all ${each.join(' ')}`;
}

/** @throws StoreUnfit */
export async function assertPermitted(
  { storeUser = 'default', storeDeployment }: Config,
  link: StoreLink,
): Promise<void> {
  const names = JSON.stringify(commandsOfKeys());
  const forbidden = await link.send<readonly string[]>([
    'EVAL',
    forbiddenScript.text,
    '1',
    `{${storeDeployment}}`,
    names,
  ]);
  if (forbidden.length === 0) return;
  const rules = forbidden.map(name => `+${name.toLowerCase()}`).join(' ');
  throw new StoreUnfit(
    `user ${storeUser} of the store lacks what nodes do with the keys and channels of deployment ${storeDeployment}: give it ${rules} on ~{${storeDeployment}}* and &{${storeDeployment}}:*, see docs/operations.md`,
  );
}
