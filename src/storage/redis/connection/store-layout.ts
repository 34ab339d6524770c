import type { Config } from '../../../config/config';
import { prelude } from './prelude';
import { StoreNewer, StoreUnfit } from './store-faults';
import type { StoreLink } from './store-link';

/** What is done to the keys of a deployment when its layout is raised by one. */
export interface LayoutStep {
  /** Lua, after the prelude; done within one step of the server with all others. */
  readonly text: string;
  /**
   * Nodes that know the layout before may still be at work: they stop in order when they see it raised, and what their scripts do until
   * then must do no harm. Where that cannot be, the step waits for them to be stopped.
   */
  readonly bearsOlder: boolean;
}

/**
 * The layout of keys. Fields and keys that an older node does not know need no step: it leaves them as they are. A step is for what it would
 * misread, and is never changed once it was released.
 */
export const layout: { steps: readonly LayoutStep[] } = { steps: [] };

/** In place of a version while a move into the deployment is under way. */
export const MOVING = 'moving';

export function layoutVersion(): number {
  return 1 + layout.steps.length;
}

type Answer =
  readonly ['ok'] | readonly ['moving'] | readonly ['newer', number] | readonly ['older', number, ...string[]];

/** Begins the layout, or raises it to what this node knows. @throws StoreNewer; StoreUnfit where older nodes would have to be stopped */
export async function openLayout({ storeDeployment }: Config, link: StoreLink): Promise<void> {
  const answer = await link.send<Answer>(['EVAL', script(), '1', `{${storeDeployment}}`]);
  switch (answer[0]) {
    case 'ok':
      return;
    case 'moving':
      throw new StoreUnfit(
        `a move into deployment ${storeDeployment} was not finished: do it again, or delete its keys ({${storeDeployment}}:*)`,
      );
    case 'newer':
      throw new StoreNewer(
        answer[1],
        `deployment ${storeDeployment} has keys of version ${answer[1]}, and this node knows version ${layoutVersion()}: it is too old; use the version of orchestratord that its other nodes have`,
      );
    case 'older':
      throw new StoreUnfit(
        `the keys of deployment ${storeDeployment} are to be raised from version ${answer[1]} to ${layoutVersion()}, which its nodes ${answer.slice(2).join(', ')} do not bear: stop them first`,
      );
  }
}

function script(): string {
  const steps = layout.steps.map(({ text }, at) => `if found < ${at + 2} then\n${text}\nend`);
  const harmful = layout.steps.flatMap(({ bearsOlder }, at) => (bearsOlder ? [] : [`found < ${at + 2}`]));
  return `${prelude.text}
local key, known = P .. 'schema', ${layoutVersion()}
local found = call('GET', key)
if found == '${MOVING}' then return {'moving'} end
if not found then
  call('SET', key, known)
  return {'ok'}
end
found = tonumber(found)
if found > known then return {'newer', found} end
if found == known then return {'ok'} end
local older = {'older', found}
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'nodes', text(now()), '+inf')) do
  local facts = call('HGET', P .. 'nodeFacts', id)
  if facts and cjson.decode(facts).layout < known then older[#older + 1] = id end
end
if #older > 2 and (${['false', ...harmful].join(' or ')}) then return older end
${steps.join('\n')}
call('SET', key, known)
call('SPUBLISH', P .. 'nodes', '')
return {'ok'}
`;
}
