import type { Config } from '../../../config/config';
import { infoOf } from './store-checks';
import { Script } from './script';
import type { StoreLink } from './store-link';

const MIB = 1024 * 1024;

/** What may be kept of each, over all nodes. */
const bounds = [
  ['ORCHD_FILES_MAX_BYTES', 'filesMaxBytes'],
  ['ORCHD_ARTIFACTS_MAX_BYTES', 'artifactsMaxBytes'],
  ['ORCHD_RESPONSES_MAX_BYTES', 'responsesMaxBytes'],
  ['ORCHD_CONVERSATIONS_MAX_BYTES', 'conversationsMaxBytes'],
] as const;

/** Bytes that are kept of all of these now. */
const keptScript = new Script(
  'keptBytes',
  `
local kept = 0
for _, name in ipairs({'fb', 'ab'}) do kept = kept + tonumber(call('GET', P .. name) or '0') end
for _, kind in ipairs({'response', 'conversation'}) do kept = kept + tonumber(call('HGET', P .. 'rb', kind) or '0') end
return string.format('%.0f', kept)
`,
);

export interface Shortage {
  /** A sentence that says what to set. */
  readonly human: string;
  readonly room_bytes: number;
  readonly bounds_bytes: number;
}

/** Where the settings let more be kept than the store's `maxmemory` leaves beside everything else that is there; undefined too where it has none. */
export async function shortageOf(config: Config, link: StoreLink): Promise<Shortage | undefined> {
  const memory = await infoOf(link, 'memory');
  const [most, used] = [Number(memory.get('maxmemory')), Number(memory.get('used_memory'))];
  if (!(most > 0)) return undefined;
  const kept = Number(await link.send(['EVAL', keptScript.text, '1', `{${config.storeDeployment}}`]));
  const room = Math.max(0, most - Math.max(0, used - kept));
  const wanted = bounds.reduce((sum, [, name]) => sum + config[name], 0);
  if (wanted <= room) return undefined;
  const each = bounds.map(([env, name]) => `${env} (${mib(config[name])})`).join(', ');
  const human = `The store has room for ${mib(room)} (maxmemory ${mib(most)}), and more may be kept there: ${each}. A store that is full takes no tasks: lower these, or raise maxmemory.`;
  return { human, room_bytes: room, bounds_bytes: wanted };
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}
