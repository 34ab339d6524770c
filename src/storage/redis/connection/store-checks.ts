import type { Config } from '../../../config/config';
import { StoreUnfit } from './store-faults';
import type { StoreLink } from './store-link';
import { openLayout } from './store-layout';
import { assertPermitted } from './store-permissions';

/** When a reply means that what was written is durable: by itself, or after a wait for the file or for a replica. */
export type Durability = { readonly kind: 'reply' } | { readonly kind: 'waitaof' } | { readonly kind: 'wait' };

/** @throws StoreUnfit */
export async function assertFit(config: Config, link: StoreLink): Promise<void> {
  const server = await infoOf(link, 'server');
  const [major = 0] = versionOf(server);
  if (major < 7)
    throw new StoreUnfit(
      `the store must be a Redis or Valkey of version 7.0 or newer, for sharded channels; it is ${server.get('redis_version')}`,
    );
  const isCluster = server.get('redis_mode') === 'cluster';
  if (isCluster)
    throw new StoreUnfit('the store runs in cluster mode: name one that does not (cluster-enabled no), or a Sentinel');
  const replication = await infoOf(link, 'replication');
  if (replication.get('role') !== 'master')
    throw new StoreUnfit(
      'the store is a replica: name the server that takes writes, or the sentinels, which know it (one that has just failed over does so within seconds)',
    );
  await assertPermitted(config, link);
  const policy = await settingOf(link, 'maxmemory-policy');
  if (policy !== undefined && policy !== 'noeviction')
    throw new StoreUnfit(
      `the store may throw away tasks when its memory is full: set maxmemory-policy noeviction (it is ${policy})`,
    );
  await openLayout(config, link);
}

/** @throws StoreUnfit where the server cannot give what is asked */
export async function durabilityOf({ storeDurability }: Config, link: StoreLink): Promise<Durability> {
  if (storeDurability === 'memory') return { kind: 'reply' };
  if (storeDurability === 'replica') return { kind: 'wait' };
  const hasAof = await settingOf(link, 'appendonly');
  if (hasAof !== undefined && hasAof !== 'yes')
    throw new StoreUnfit(
      'ORCHD_STORE_DURABILITY=disk needs a store that writes what it does to its disk: set appendonly yes, or ORCHD_STORE_DURABILITY=replica or memory',
    );
  if ((await settingOf(link, 'appendfsync')) === 'always') return { kind: 'reply' };
  const [major = 0, minor = 0] = versionOf(await infoOf(link, 'server'));
  const isSeen = hasAof !== undefined;
  if (major > 7 || minor >= 2) return { kind: 'waitaof' };
  if (!isSeen)
    throw new StoreUnfit(
      'ORCHD_STORE_DURABILITY=disk needs appendfsync always on a store before version 7.2, and its user may not see whether that is set: let it run CONFIG GET, or set ORCHD_STORE_DURABILITY=replica or memory',
    );
  throw new StoreUnfit(
    'ORCHD_STORE_DURABILITY=disk needs appendfsync always on a store before version 7.2: set that, or ORCHD_STORE_DURABILITY=replica or memory',
  );
}

export async function infoOf(link: StoreLink, section: string): Promise<ReadonlyMap<string, string>> {
  const text = String(await link.send(['INFO', section]));
  return new Map(text.split('\r\n').map(line => line.split(':', 2) as [string, string]));
}

/** Undefined where the server does not let us see its configuration, as a rented one may not: then nobody knows. */
async function settingOf(link: StoreLink, name: string): Promise<string | undefined> {
  try {
    const [, value] = await link.send<readonly string[]>(['CONFIG', 'GET', name]);
    return value;
  } catch {
    return undefined;
  }
}

/** Valkey says to which Redis it is like, and its own version apart. */
function versionOf(server: ReadonlyMap<string, string>): readonly number[] {
  const text = server.get('valkey_version') ?? server.get('redis_version') ?? '';
  return text.split('.').map(Number);
}
