import dns from 'node:dns';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type RunningEngine } from '../../test/engine/engine';
import { bindingOf, startPools, type PoolsUnderTest } from '../../test/support/pools';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { Config } from '../config/config';
import { Narrator } from '../observability/narrator';
import { BindingsService } from '../pools/bindings/bindings.service';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { Prober } from '../pools/probing/prober';
import { Clock } from '../time/clock';
import { HandoffFolder } from './handoff-folder';
import { HandoffService } from './handoff.service';

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:9';

let folder: TemporaryFolder;
let runtimeDir: string;
let engine: RunningEngine;
let pools: PoolsUnderTest;
let registry: PoolRegistry;
let handoffs: HandoffService;
let nowMs = 0;

beforeEach(async () => {
  folder = temporaryFolder();
  runtimeDir = join(folder.path, 'engines');
  mkdirSync(runtimeDir);
  engine = await startEngine({ slots: 2 });
  pools = await startPools({ ORCHD_RUNTIME_DIR: runtimeDir });
  registry = pools.get(PoolRegistry);
  handoffs = new HandoffService(
    new HandoffFolder(pools.get(Config), pools.get(Narrator)),
    pools.get(BindingsService),
    registry,
    Object.assign(new Clock(), { nowMs: () => nowMs }),
    pools.get(Narrator),
  );
});
afterEach(async () => {
  await pools.close();
  await engine.stop();
  folder.remove();
});

function write(file: string, content: unknown): void {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(folder.path, 'draft'), text);
  renameSync(join(folder.path, 'draft'), join(runtimeDir, file));
}
const remove = (file: string): void => rmSync(join(runtimeDir, file));
const named = (url: string, replicaId = 'r0') => ({ url, pool_id: 'gpu', replica_id: replicaId });
const stateOf = (file: string) => handoffs.known().find(known => known.file === file);
const replica = (replicaId = 'r0') => registry.replica('gpu', replicaId);

describe('a scan of the handoff folder', () => {
  it('binds an engine that answers and says so once (B-BG-006, B-BG-007, B-BG-008, B-BG-011)', async () => {
    write('a.json', { ...named(engine.url), engine_version: 'b1' });
    for (let n = 0; n < 3; n++) await handoffs.scan();
    expect(await replica()).toMatchObject({ ready: true, source: 'handoff', slotsTotal: 2 });
    expect(stateOf('a.json')).toMatchObject({ state: 'bound' });
    expect(pools.told('autobind')).toMatchObject([{ engine: 'llamacpp', pool_id: 'gpu', replica_id: 'r0' }]);
  });

  it('waits for an engine that does not answer yet (B-BG-008)', async () => {
    write('a.json', named(nowhere));
    await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'waiting' });
    expect(await replica()).toMatchObject({ ready: false });
    expect(pools.told('autobind')).toEqual([]);
  });

  it('says once that an engine is bound, though it goes away for a moment and comes back', async () => {
    write('a.json', named(engine.url));
    await handoffs.scan();
    await registry.observe('gpu', 'r0', { state: 'loading' });
    await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'waiting' });
    await pools.get(Prober).probeNow('gpu', 'r0');
    await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'bound' });
    expect(pools.told('autobind')).toHaveLength(1);
  });

  it('leaves a replica that is alive at its address, and says why (B-BG-005)', async () => {
    await pools.get(BindingsService).bind(bindingOf(engine.url));
    write('a.json', named(nowhere));
    await handoffs.scan();
    expect(await replica()).toMatchObject({ url: engine.url, source: 'worker', ready: true });
    expect(stateOf('a.json')).toMatchObject({
      state: 'bound',
      reason: expect.stringMatching(/another address/) as string,
    });
    expect(pools.told('autobind')).toEqual([]);
    remove('a.json');
    await handoffs.scan();
    expect(await replica()).toMatchObject({ leaving: false });
  });

  it('replaces a dead one when the file brings a new address (B-BG-005)', async () => {
    write('a.json', named(nowhere));
    await handoffs.scan();
    write('a.json', named(engine.url));
    await handoffs.scan();
    expect(await replica()).toMatchObject({ url: engine.url, ready: true });
    expect(pools.told('autobind')).toHaveLength(1);
  });

  it('unbinds when the file goes, and what it named before when it names another (B-BG-005)', async () => {
    write('a.json', named(engine.url));
    await handoffs.scan();
    write('a.json', named(engine.url, 'r1'));
    await handoffs.scan();
    expect([await replica('r0'), (await replica('r1'))?.ready]).toEqual([undefined, true]);
    remove('a.json');
    await handoffs.scan();
    expect(await replica('r1')).toBeUndefined();
    expect(handoffs.known()).toEqual([]);
    expect(pools.told('replica_unbound')).toMatchObject([
      { replica_id: 'r0', reason: 'handoff_changed' },
      { replica_id: 'r1', reason: 'handoff_removed' },
    ]);
  });

  it('keeps what a file has bound while it is being written over, and unbinds it when the file goes', async () => {
    write('a.json', named(engine.url));
    await handoffs.scan();
    write('a.json', '{"url"');
    for (let n = 0; n < 2; n++) await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'bound' });
    nowMs += 1000;
    await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'ignored' });
    expect(await replica()).toMatchObject({ ready: true, leaving: false });
    remove('a.json');
    await handoffs.scan();
    expect(await replica()).toBeUndefined();
  });

  it('unbinds what it has bound though the file names another address since', async () => {
    write('a.json', named(engine.url));
    await handoffs.scan();
    write('a.json', named(nowhere));
    await handoffs.scan();
    expect(await replica()).toMatchObject({ url: engine.url, ready: true });
    remove('a.json');
    await handoffs.scan();
    expect(await replica()).toBeUndefined();
  });

  it('keeps a replica that another file still names', async () => {
    write('a.json', named(engine.url));
    write('b.json', named(engine.url));
    await handoffs.scan();
    remove('a.json');
    await handoffs.scan();
    expect(await replica()).toMatchObject({ ready: true, leaving: false });
    expect(pools.told('replica_bound')).toHaveLength(1);
    remove('b.json');
    await handoffs.scan();
    expect(await replica()).toBeUndefined();
  });

  it.each([
    ['at an address where no engine may live', named('http://169.254.169.254/')],
    ['with an engine that there is not', { ...named(nowhere), engine: 'abacus' }],
  ])('leaves a file alone %s, with one line until it changes (B-BG-004)', async (_name, content) => {
    write('a.json', content);
    for (let n = 0; n < 3; n++) await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'ignored' });
    expect(pools.told('handoff_ignored')).toHaveLength(1);
    expect(await registry.pools()).toEqual([]);
    write('a.json', named(engine.url));
    await handoffs.scan();
    expect(await replica()).toMatchObject({ ready: true });
  });

  it('says nothing of a file that becomes whole within a second, and one line of one that does not (B-BG-014)', async () => {
    for (const cut of [0, 10, 20]) {
      writeFileSync(join(runtimeDir, 'a.json'), JSON.stringify(named(engine.url)).slice(0, cut));
      await handoffs.scan();
      expect(stateOf('a.json')).toMatchObject({ state: 'waiting', reason: 'it is not JSON (yet)' });
      nowMs += 999;
      await handoffs.scan();
    }
    writeFileSync(join(runtimeDir, 'a.json'), JSON.stringify(named(engine.url)));
    writeFileSync(join(runtimeDir, 'b.json'), '{"url"');
    await handoffs.scan();
    expect(stateOf('a.json')).toMatchObject({ state: 'bound' });
    nowMs += 1000;
    for (let n = 0; n < 3; n++) await handoffs.scan();
    expect(pools.told('handoff_ignored')).toMatchObject([{ file: 'b.json' }]);
    expect(stateOf('b.json')).toMatchObject({ state: 'ignored', reason: 'it is not JSON' });
  });

  it('follows a ConfigMap to its next version, though the link itself stays as it is (B-BG-013)', async () => {
    const data = (version: string, replicaId: string): void => {
      mkdirSync(join(runtimeDir, version));
      writeFileSync(join(runtimeDir, version, 'a.json'), JSON.stringify(named(engine.url, replicaId)));
      symlinkSync(version, join(runtimeDir, '..next'));
      renameSync(join(runtimeDir, '..next'), join(runtimeDir, '..data'));
    };
    data('..1', 'r0');
    symlinkSync('..data/a.json', join(runtimeDir, 'a.json'));
    await handoffs.scan();
    expect(await replica('r0')).toMatchObject({ ready: true });
    data('..2', 'r1');
    await handoffs.scan();
    expect([await replica('r0'), (await replica('r1'))?.ready]).toEqual([undefined, true]);
  });

  it('waits with an engine that another replica has, names that one, and takes its place when it goes', async () => {
    write('a.json', named(engine.url));
    write('b.json', named(`${engine.url}/v1/`, 'r1'));
    for (let n = 0; n < 2; n++) await handoffs.scan();
    expect(await registry.pool('gpu')).toMatchObject({ slotsTotal: 2, replicas: [{ replicaId: 'r0' }] });
    const reason = expect.stringContaining('bound as gpu/r0 already') as string;
    expect(stateOf('b.json')).toMatchObject({ state: 'waiting', reason });
    expect(pools.told('handoff_waiting')).toHaveLength(1);
    remove('a.json');
    await handoffs.scan();
    nowMs += 5000;
    await handoffs.scan();
    expect(await registry.pool('gpu')).toMatchObject({ slotsTotal: 2, replicas: [{ replicaId: 'r1', ready: true }] });
  });

  it('tries a host that has no address yet again, though its file does not change', async () => {
    const lookup = vi.spyOn(dns.promises, 'lookup').mockRejectedValue(new Error('ENOTFOUND'));
    try {
      write('a.json', named(engine.url.replace('127.0.0.1', 'localhost')));
      for (let n = 0; n < 3; n++) await handoffs.scan();
      expect(lookup).toHaveBeenCalledTimes(1);
      nowMs += 5000;
      for (let n = 0; n < 3; n++) await handoffs.scan();
      expect(lookup).toHaveBeenCalledTimes(2);
      expect(stateOf('a.json')).toMatchObject({ state: 'waiting', reason: 'url names a host that has no address' });
      expect(pools.told('handoff_waiting')).toHaveLength(1);
    } finally {
      lookup.mockRestore();
    }
    nowMs += 5000;
    await handoffs.scan();
    expect(await replica()).toMatchObject({ ready: true });
    expect(stateOf('a.json')).toMatchObject({ state: 'bound' });
    expect(stateOf('a.json')).not.toHaveProperty('reason');
  });

  it('cannot be made to forge a log line by the name of a file', async () => {
    write('a\n{"event":"forged"}\u001b[2J.json', '{}');
    await handoffs.scan();
    const [line] = pools.told('handoff_ignored');
    expect(line?.['file']).not.toMatch(/\p{Cc}/u);
  });

  it('keeps what it knows when the folder is flooded, and says once that it is (B-BG-012)', async () => {
    write('m.json', named(engine.url));
    await handoffs.scan();
    for (let n = 0; n < 1100; n++) writeFileSync(join(runtimeDir, `a-${n}.json`), '{}');
    for (let n = 0; n < 2; n++) await handoffs.scan();
    expect(handoffs.known()).toHaveLength(1024);
    expect(await replica()).toMatchObject({ ready: true, leaving: false });
    expect(pools.told('handoff_flooded')).toHaveLength(1);
  });

  describe('after a restart', () => {
    const rowAt = (url: string, source: string, replicaId = 'r0') => ({
      ...{ poolId: 'gpu', replicaId, engine: 'llamacpp' },
      ...{ url, source },
    });

    it('unbinds what a file had bound that was removed meanwhile, and nothing else', async () => {
      const [a, b, c] = [`${engine.url}/a`, `${engine.url}/b`, `${engine.url}/c`];
      await pools
        .get(BindingsService)
        .restore([rowAt(a, 'handoff'), rowAt(b, 'handoff', 'r1'), rowAt(c, 'worker', 'r2')]);
      write('a.json', named(b, 'r1'));
      await handoffs.scan();
      expect([await replica('r0'), (await replica('r1'))?.leaving, (await replica('r2'))?.leaving]).toEqual([
        undefined,
        false,
        false,
      ]);
    });

    it('leaves a replica that is alive where it was though its file names another address since (B-BG-005)', async () => {
      await pools.get(BindingsService).restore([rowAt(engine.url, 'handoff')]);
      await pools.get(Prober).probeNow('gpu', 'r0');
      write('a.json', named(nowhere));
      for (let n = 0; n < 2; n++) await handoffs.scan();
      expect(await replica()).toMatchObject({ url: engine.url, ready: true, leaving: false });
    });

    it('unbinds nothing while it cannot know which files there are', async () => {
      await pools.get(BindingsService).restore([rowAt(engine.url, 'handoff')]);
      for (let n = 0; n < 1100; n++) writeFileSync(join(runtimeDir, `a-${n}.json`), '{}');
      await handoffs.scan();
      expect(await replica()).toMatchObject({ leaving: false });
      rmSync(runtimeDir, { recursive: true });
      writeFileSync(runtimeDir, 'not a folder');
      await handoffs.scan();
      expect(await replica()).toMatchObject({ leaving: false });
    });
  });

  it('survives a folder that goes and comes back (B-BG-012)', async () => {
    write('a.json', named(engine.url));
    await handoffs.scan();
    rmSync(runtimeDir, { recursive: true });
    await handoffs.scan();
    expect(await replica()).toBeUndefined();
    mkdirSync(runtimeDir);
    write('a.json', named(engine.url));
    await handoffs.scan();
    expect(await replica()).toMatchObject({ ready: true });
  });
});
