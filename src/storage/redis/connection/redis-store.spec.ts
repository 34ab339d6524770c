import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { startStoreProxy } from '../../../../test/nodes/store-proxy';
import { LAST_RESORT_MS } from '../../../../test/support/deadline';
import { hasRedisServer, startRedis, type RedisOptions, type RedisServer } from '../../../../test/support/redis-server';
import { command } from '../../../../test/support/redis-sentinels';
import { silentNarrator } from '../../../../test/support/ledger';
import { closeStores, openStore } from '../../../../test/support/redis-store';
import { RedisStore } from './redis-store';
import { Script } from './script';

const echo = new Script('echo', 'return ARGV[1]');
const write = new Script('write', "return redis.call('RPUSH', KEYS[1] .. ':list', ARGV[1])");

async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

describe.skipIf(!hasRedisServer())('RedisStore', () => {
  afterEach(closeStores);

  it('runs a script, also on a server that has forgotten it', async () => {
    const { store } = await openStore(await redis());
    expect(await store.run(echo, 'a')).toBe('a');
    await store.call('SCRIPT', 'FLUSH');
    expect(await store.run(echo, 'b')).toBe('b');
  });

  it('refuses at once while the server is away, and goes on when it is back', async () => {
    const server = await redis();
    const proxy = await startStoreProxy(server.port);
    onTestFinished(() => proxy.stop());
    const { store } = await openStore({ ...server, url: proxy.url });
    let ups = 0;
    store.up$.subscribe(() => ups++);
    proxy.cut();
    await expect.poll(() => store.isUp, { timeout: LAST_RESORT_MS }).toBe(false);
    const refusal = { code: 'STORAGE_UNAVAILABLE', details: { retryAfterMs: 1000 } };
    await expect(store.run(echo, 'a')).rejects.toMatchObject(refusal);
    proxy.mend();
    await expect.poll(() => store.isUp, { timeout: LAST_RESORT_MS }).toBe(true);
    expect([await store.run(echo, 'b'), ups]).toEqual(['b', 1]);
  });

  it('hears hints, also after a connection broke', async () => {
    const server = await redis();
    const { store, another } = await openStore(server);
    const { store: other } = await another();
    const heard: string[] = [];
    store.listen('news', message => heard.push(message));
    const tell = (text: string) => other.call('SPUBLISH', `${other.prefix}:news`, text);
    await expect.poll(async () => (await tell('one'), heard.includes('one')), { timeout: LAST_RESORT_MS }).toBe(true);
    await other.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await expect
      .poll(async () => (await tell('two').catch(() => 0), heard.includes('two')), { timeout: LAST_RESORT_MS })
      .toBe(true);
  });

  it.each([
    ['cluster mode', { settings: ['--cluster-enabled', 'yes'] }, {}, /cluster-enabled no/],
    ['eviction', { settings: ['--maxmemory-policy', 'allkeys-lru'] }, {}, /maxmemory-policy noeviction/],
    ['no AOF', {}, { ORCHD_STORE_DURABILITY: 'disk' }, /appendonly yes/],
  ] as const)('does not open a store with %s, and says what to set', async (_, options, env, message) => {
    await expect(openStore(await redis(options), env)).rejects.toThrow(message);
  });

  it('says at a start that more may be kept than its server has room for, and which settings let it', async () => {
    const server = await redis({ settings: ['--maxmemory', '100mb'] });
    const mib = (count: number): string => String(count * 1024 * 1024);
    const ten = {
      ORCHD_ARTIFACTS_MAX_BYTES: mib(10),
      ORCHD_RESPONSES_MAX_BYTES: mib(10),
      ORCHD_CONVERSATIONS_MAX_BYTES: mib(10),
    };
    const toldWith = async (filesMaxMib: number): Promise<readonly string[]> => {
      const env = { ...ten, ORCHD_FILES_MAX_BYTES: mib(filesMaxMib) };
      const { config } = await openStore(server, env, 'small');
      const told: string[] = [];
      const narrator = Object.assign(Object.create(silentNarrator) as typeof silentNarrator, {
        warn: (human: string, { event }: { event: string }) => void told.push(`${event}: ${human}`),
      });
      const store = new RedisStore(config, narrator);
      await store.open();
      await store.close();
      return told;
    };
    expect(await toldWith(50)).toEqual([]);
    const [small] = await toldWith(80);
    expect(small).toMatch(/^store_small: .* room for 9\d MiB \(maxmemory 100 MiB\).* ORCHD_FILES_MAX_BYTES \(80 MiB\)/);
    // What is there of others takes room, and what is kept already does not.
    const { store } = await openStore(server, {}, 'small');
    await store.call('SETRANGE', `${store.prefix}:all`, mib(30), 'x');
    expect(await toldWith(50)).toEqual([expect.stringContaining('room for 6')]);
    await store.call('SET', `${store.prefix}:fb`, mib(30));
    expect(await toldWith(50)).toEqual([]);
  });

  it('opens no keys of another version', async () => {
    const { store, another } = await openStore(await redis());
    await store.call('SET', `${store.prefix}:schema`, '2');
    await expect(another()).rejects.toThrow(/version 2, and this node knows version 1/);
  });

  it('acknowledges nothing that no replica has, where that is asked', async () => {
    const { store } = await openStore(await redis(), { ORCHD_STORE_DURABILITY: 'replica' });
    await expect(store.runDurably(echo, 'a')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });

  it('waits for the next sync of a server that can tell of it, and refuses to go by that on an older one', async () => {
    const server = await redis({ fsync: 'everysec' });
    const [, major = 0, minor = 0] = (
      /redis_version:(\d+)\.(\d+)/.exec(String(await command(server.port, ['INFO', 'server']))) ?? []
    ).map(Number);
    const opening = openStore(server, { ORCHD_STORE_DURABILITY: 'disk' });
    if (major < 7 || (major === 7 && minor < 2)) {
      process.stdout.write(`WAITAOF not run: the server is ${major}.${minor}, and has it from 7.2 on\n`);
      await expect(opening).rejects.toThrow(/appendfsync always on a store before version 7.2/);
      return;
    }
    const { store } = await opening;
    for (let at = 0; at < 4; at++) expect(await store.runDurably(write, at)).toBe(at + 1);
    expect(String(await store.call('INFO', 'commandstats'))).toMatch(/cmdstat_waitaof:calls=4/);
  });

  it('gathers what waits to be durable behind one wait', async () => {
    const server = await redis();
    const replica = await redis({ settings: ['--replicaof', '127.0.0.1', String(server.port)] });
    const { store } = await openStore(server, { ORCHD_STORE_DURABILITY: 'replica' });
    await expect
      .poll(async () => String(await store.call('INFO', 'replication')), { timeout: LAST_RESORT_MS })
      .toMatch(/state=online/);
    const replies = await Promise.all(Array.from({ length: 50 }, (_, at) => store.runDurably(echo, at)));
    expect(replies).toEqual(Array.from({ length: 50 }, (_, at) => String(at)));
    const waits = /cmdstat_wait:calls=(\d+)/.exec(String(await store.call('INFO', 'commandstats')))?.[1];
    expect(Number(waits)).toBeLessThanOrEqual(3);
    expect(replica.port).not.toBe(server.port);
  });
});
