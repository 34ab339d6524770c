import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindingOf, startPools, type PoolsUnderTest } from '../../test/support/pools';
import { Config } from '../config/config';
import type { PoolStatus } from '../pools/registry/pool';
import { EngineSightings } from '../pools/bindings/engine-sightings';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { API_VERSION } from '../http/documents/versions';
import { CapabilitiesService } from './capabilities.service';

/** Nobody listens there; what the engine says is told to the registry by hand. */
const nowhere = 'http://127.0.0.1:9';

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let capabilities: CapabilitiesService;

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  pools = await startPools({ ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '7', ...env });
  registry = pools.get(PoolRegistry);
  capabilities = new CapabilitiesService(pools.get(Config), registry, pools.get(EngineSightings));
  capabilities.onModuleInit();
}
beforeEach(() => start());
afterEach(async () => {
  vi.restoreAllMocks();
  capabilities.onModuleDestroy();
  await pools.close();
});

async function look() {
  const { snapshot, hit } = await capabilities.snapshot();
  return { ...snapshot, hit, engines: (JSON.parse(snapshot.json) as { engines: Record<string, unknown>[] }).engines };
}

async function bindReady(replicaId: string, slotsTotal: number, ctxMax: number): Promise<void> {
  await registry.bind(bindingOf(nowhere, { replicaId }));
  await registry.observe('gpu', replicaId, {
    state: 'ready',
    engineVersion: 'b1',
    slotsTotal,
    ctxMax,
    models: [{ id: `model-of-${replicaId}`, state: 'loaded' }],
    supportedWorkloads: ['completion'],
    features: ['streaming'],
  });
}

describe('the capabilities', () => {
  it('name what is really bound, by engine and version (B-CP-003)', async () => {
    await bindReady('r0', 2, 4096);
    await bindReady('r1', 4, 8192);
    await registry.bind(bindingOf(undefined, { replicaId: 'without-address' }));
    const { json, engines } = await look();
    expect(JSON.parse(json)).toMatchObject({ api_version: API_VERSION });
    expect(engines).toEqual([
      {
        engine: 'llamacpp',
        engine_version: 'b1',
        builtin: false,
        ctx_max: 8192,
        supported_workloads: ['completion'],
        features: ['streaming'],
        models: ['model-of-r0', 'model-of-r1'],
        pools: ['gpu'],
        rate_limits: { slots_total: 6, queue_capacity: 7 },
      },
    ]);
  });

  it('name the stand-in where it would answer, and say that it is one', async () => {
    expect((await look()).engines).toEqual([]);
    await pools.close();
    await start({ ORCHD_FALLBACK: 'deterministic' });
    expect((await look()).engines).toMatchObject([{ engine: 'deterministic', builtin: true }]);
  });

  it('are computed once, and the same bytes until a binding or its health changes (B-CP-001, B-CP-002)', async () => {
    const first = await look();
    const second = await look();
    expect([first.hit, second.hit]).toEqual([false, true]);
    expect([second.json, second.etag]).toEqual([first.json, first.etag]);
    await bindReady('r0', 2, 4096);
    const third = await look();
    expect(third.hit).toBe(false);
    expect(third.etag).not.toBe(first.etag);
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 8, engineVersion: 'b1' });
    expect((await look()).engines).toMatchObject([{ rate_limits: { slots_total: 8 } }]);
  });

  it('stay as they are when a slot is taken and freed', async () => {
    await bindReady('r0', 2, 4096);
    await look();
    (await registry.acquire('gpu', 'r0'))?.release();
    expect((await look()).hit).toBe(true);
  });

  it('are computed once for many who ask at once', async () => {
    const read = vi.spyOn(registry, 'pools');
    const answers = await Promise.all(Array.from({ length: 50 }, () => capabilities.snapshot()));
    expect(read).toHaveBeenCalledOnce();
    expect(answers.filter(({ hit }) => !hit)).toHaveLength(1);
  });

  it('do not keep what was read before a change that came while it was read', async () => {
    const before = await registry.pools();
    let answer = (_pools: readonly PoolStatus[]): void => undefined;
    vi.spyOn(registry, 'pools').mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    const first = look();
    await bindReady('r0', 2, 4096);
    answer(before);
    expect((await first).engines).toEqual([]);
    expect((await look()).engines).toMatchObject([{ engine: 'llamacpp' }]);
  });

  it('are computed anew after a failure', async () => {
    vi.spyOn(registry, 'pools').mockRejectedValueOnce(new Error('gone for a moment'));
    await expect(capabilities.snapshot()).rejects.toThrow('gone for a moment');
    expect(await look()).toMatchObject({ hit: false, engines: [] });
  });
});
