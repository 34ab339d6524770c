import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type RunningEngine } from '../../../test/engine/engine';
import { eventually } from '../../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { always, byPath, recordedBytes, replayServer, type ReplayServer } from '../../../test/wire/replay-server';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import { PoolRegistry } from '../registry/pool-registry.port';
import { Prober } from './prober';
import { SharedProbes } from './shared-probes.port';

const closers: (() => Promise<void>)[] = [];

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let prober: Prober;

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  pools = await startPools(env);
  closers.push(() => pools.close());
  registry = pools.get(PoolRegistry);
  prober = pools.get(Prober);
}

async function engine(options: Parameters<typeof startEngine>[0] = {}): Promise<RunningEngine> {
  const running = await startEngine(options);
  closers.push(() => running.stop());
  return running;
}

async function replay(answer: Parameters<typeof replayServer>[0]): Promise<ReplayServer> {
  const server = await replayServer(answer);
  closers.push(() => server.close());
  return server;
}

beforeEach(() => {
  closers.length = 0;
});
afterEach(async () => {
  // What uses a server goes before the server.
  for (const close of closers) await close();
});

const replica = (replicaId = 'r0') => registry.replica('gpu', replicaId);

describe('probeNow', () => {
  it('tells the registry what the engine says', async () => {
    await start();
    const { url } = await engine({ slots: 3, ctxTokens: 2048 });
    await registry.bind(bindingOf(url));
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ ready: true, slotsTotal: 3, slotsFree: 3, ctxMax: 2048 });
    expect(pools.told('replica_health')).toMatchObject([{ pool_id: 'gpu', replica_id: 'r0', ready: true }]);
  });

  it('tells other nodes what others have of an engine that is not asked for its slots, as it was when it was (B-ND-010)', async () => {
    await start();
    const { url } = await engine({ slots: 3 });
    const told = vi.spyOn(pools.get(SharedProbes), 'tell');
    await registry.bind(bindingOf(url));
    for (let times = 0; times < 2; times++) await prober.probeNow('gpu', 'r0');
    expect(told.mock.calls.map(([{ probe }]) => [probe.slotsUnasked, probe.slotsElsewhere])).toEqual([
      [undefined, undefined],
      [true, 0],
    ]);
  });

  it('takes a loading engine for live and not ready', async () => {
    await start();
    const server = await engine();
    server.control({ loading: true });
    await registry.bind(bindingOf(server.url));
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ live: true, ready: false, lastError: 'Loading model' });
  });

  it('tells a change once, and not each probe', async () => {
    await start();
    const server = await engine();
    await registry.bind(bindingOf(server.url));
    for (const loading of [true, true, false, false, false]) {
      server.control({ loading });
      await prober.probeNow('gpu', 'r0');
    }
    await server.stop();
    for (let n = 0; n < 3; n++) await prober.probeNow('gpu', 'r0');
    expect(pools.told('replica_health').map(({ live, ready, reason }) => [live, ready, reason])).toEqual([
      [true, false, 'Loading model'],
      [true, true, undefined],
      [false, false, 'The engine refused the connection.'],
    ]);
  });

  it('knows a refused connection for dead at once', async () => {
    await start();
    const server = await engine();
    await registry.bind(bindingOf(server.url));
    await prober.probeNow('gpu', 'r0');
    await server.stop();
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ live: false, ready: false });
  });

  it('gives an engine that is too busy to answer a second chance', async () => {
    await start({ ORCHD_PROBE_TIMEOUT_MS: '30' });
    const silent = await replay(() => undefined);
    await registry.bind(bindingOf(silent.url));
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 1 });
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ live: true, ready: true });
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ live: false, lastError: 'The engine did not answer within 30 ms.' });
  });

  it('takes an engine that is healthy and answers nothing else in time for busy, not for dead', async () => {
    await start({ ORCHD_PROBE_TIMEOUT_MS: '100' });
    const answers = byPath({ '/health': 'health-ok', '/props': 'props' });
    const engaged = await replay((socket, request) =>
      request.path === '/slots' ? undefined : answers(socket, request),
    );
    await registry.bind(bindingOf(engaged.url));
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 2, slotsBusy: 0 });
    for (let n = 0; n < 3; n++) await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ live: true, ready: true, slotsTotal: 2, slotsFree: 0 });
  });

  it('does not know how an engine is that has not answered yet, before it has not twice', async () => {
    await start({ ORCHD_PROBE_TIMEOUT_MS: '50' });
    const silent = await replay(() => undefined);
    await registry.bind(bindingOf(silent.url));
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ probed: false, live: false });
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ probed: true, live: false });
    await registry.bind(bindingOf('http://127.0.0.1:9', { replicaId: 'r1' }));
    await prober.probeNow('gpu', 'r1');
    expect(await replica('r1')).toMatchObject({ probed: true, live: false });
  });

  it('does nothing for a replica that is not there or has no address', async () => {
    await start();
    await prober.probeNow('gpu', 'r0');
    await registry.bind(bindingOf(undefined));
    await prober.probeNow('gpu', 'r0');
    expect(pools.told('replica_health')).toEqual([]);
  });

  it('does not take the answer of an engine for that of its successor', async () => {
    await start();
    const { url } = await engine();
    const old = await replay(async socket => {
      // The answer is still under way when the worker names another address.
      await registry.bind(bindingOf(url));
      void always(recordedBytes('health-loading'))(socket, { method: '', path: '', headers: {}, body: '' });
    });
    await registry.bind(bindingOf(old.url));
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ url, probed: false });
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ url, ready: true });
  });

  it('says so when an adapter fails, and goes on', async () => {
    await start();
    await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
    vi.spyOn(DeterministicAdapter.prototype, 'probe').mockRejectedValueOnce(new Error('a fault of ours'));
    await prober.probeNow('gpu', 'r0');
    expect(pools.told('probe_failed')).toHaveLength(1);
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ ready: true });
  });
});

describe('the rounds', () => {
  it('ask every bound engine again and again, with none of them waiting for another', async () => {
    await start({ ORCHD_PROBE_INTERVAL_MS: '20', ORCHD_PROBE_TIMEOUT_MS: '60000' });
    const silent = await replay(() => undefined);
    const server = await engine();
    server.control({ loading: true });
    await registry.bind(bindingOf(silent.url, { replicaId: 'silent' }));
    await registry.bind(bindingOf(server.url));
    await eventually(replica, view => view?.live === true);
    server.control({ loading: false });
    await eventually(replica, view => view?.ready === true);
    await server.stop();
    await eventually(replica, view => view?.live === false);
    // The one that owes its answer was asked once, all the while.
    expect(silent.requests.map(({ path }) => path)).toEqual(['/health']);
    expect(await replica('silent')).toMatchObject({ probed: false });
  });

  it('go on after one that failed', async () => {
    await start({ ORCHD_PROBE_INTERVAL_MS: '20' });
    vi.spyOn(registry, 'pools').mockRejectedValueOnce(new Error('not now'));
    await eventually(
      async () => pools.told('probe_round_failed').length,
      count => count === 1,
    );
    const { url } = await engine();
    await registry.bind(bindingOf(url));
    await eventually(replica, view => view?.ready === true);
  });

  it('end with the service, and what is under way then is nobody’s fault', async () => {
    await start({ ORCHD_PROBE_INTERVAL_MS: '20' });
    const silent = await replay(() => undefined);
    await registry.bind(bindingOf(silent.url));
    await eventually(
      async () => silent.requests.length,
      count => count > 0,
    );
    prober.onModuleDestroy();
    for (const socket of silent.connections) socket.destroy();
    await prober.probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ probed: false });
    expect(pools.told('replica_health')).toEqual([]);
  });
});

describe('the gauge of KV cache usage', () => {
  const labels = { engine: 'deterministic', pool_id: 'gpu', replica_id: 'r0' };
  const usage = (version: string) => pools.metric('kv_cache_usage_ratio', { ...labels, engine_version: version });

  it('is there where the engine reports it and nowhere else', async () => {
    await start();
    const said = { state: 'ready', slotsTotal: 1, engineVersion: '1' } as const;
    const probe = vi.spyOn(DeterministicAdapter.prototype, 'probe');
    const probeSaying = async (kvUsageRatio?: number, engineVersion = '1') => {
      probe.mockResolvedValueOnce({ ...said, engineVersion, ...(kvUsageRatio !== undefined && { kvUsageRatio }) });
      await prober.probeNow('gpu', 'r0');
    };
    await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
    await probeSaying();
    expect(await usage('1')).toBeUndefined();
    await probeSaying(0.25);
    expect(await usage('1')).toBe(0.25);
    await probeSaying(0.5, '2');
    expect([await usage('1'), await usage('2')]).toEqual([undefined, 0.5]);
    for (let n = 0; n < 2; n++) {
      probe.mockResolvedValueOnce({ state: 'unreachable' });
      await registry.observe('gpu', 'r0', { state: 'unreachable' });
      await prober.probeNow('gpu', 'r0');
    }
    expect(await usage('2')).toBeUndefined();
    await probeSaying(0.75, '2');
    await registry.unbind('gpu', 'r0');
    expect(await usage('2')).toBeUndefined();
  });
});
