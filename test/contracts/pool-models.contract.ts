import { beforeEach, describe, expect, it } from 'vitest';
import type { EngineModel, EngineProbe } from '../../src/engines/engine-adapter.port';
import type { PoolChange, PoolRegistry } from '../../src/pools/registry/pool-registry.port';
import { gpuPool } from './gpu-pool';
import { bindingOf, MODEL_RETRY_MS, ready, type PoolRegistryUnderTest } from './pool-samples';

/** What every driver of the PoolRegistry port keeps of the models that engines declare. */
export function poolModelsContract(driver: string, open: () => Promise<PoolRegistryUnderTest>): void {
  describe(`PoolRegistry: ${driver}`, () => {
    const gpu = gpuPool(open);
    let registry: PoolRegistry;
    let changes: PoolChange[];

    beforeEach(() => ({ registry, changes } = gpu));

    const { bindReady, observe, pass, replica } = gpu;

    describe('models', () => {
      const listing = (state: EngineModel['state'], reason?: string): EngineProbe => ({
        ...ready(),
        models: [{ id: 'm', state, ...(reason !== undefined && { reason }) }],
      });
      const model = async () => (await replica())?.models?.find(({ id }) => id === 'm');

      it('are not known before the engine was ready, and none where it then declares none', async () => {
        await registry.bind(bindingOf());
        await observe({ state: 'loading' });
        expect((await replica())?.models).toBeUndefined();
        await observe(ready());
        expect((await replica())?.models).toEqual([]);
        await observe({ state: 'loading' });
        expect((await replica())?.models).toEqual([]);
      });

      it('that an attempt could not load have failed, whatever the engine says, until the time is over', async () => {
        await registry.bind(bindingOf());
        await observe(listing('unloaded'));
        changes.length = 0;
        await registry.modelFailed('gpu', 'r0', 'm', 'It is broken.');
        expect(changes).toEqual([{ poolId: 'gpu', replicaId: 'r0', kind: 'health' }]);
        for (const state of ['unloaded', 'loading', 'failed'] as const) {
          await observe(listing(state, 'ended with code 1'));
          expect(await model()).toEqual({ id: 'm', state: 'failed', reason: 'It is broken.' });
        }
        pass(MODEL_RETRY_MS);
        changes.length = 0;
        await observe(listing('failed', 'ended with code 1'));
        expect(await model()).toEqual({ id: 'm', state: 'unloaded' });
        expect(changes).toHaveLength(1);
      });

      it('that the engine calls failed are left alone from then on, and once only', async () => {
        await registry.bind(bindingOf());
        await observe(listing('failed', 'ended with code 1'));
        expect(await model()).toEqual({ id: 'm', state: 'failed', reason: 'ended with code 1' });
        pass(MODEL_RETRY_MS);
        for (let n = 0; n < 2; n++) {
          await observe(listing('failed', 'ended with code 1'));
          expect(await model()).toEqual({ id: 'm', state: 'unloaded' });
        }
        await observe(listing('unloaded'));
        await observe(listing('failed', 'ended with code 2'));
        expect(await model()).toMatchObject({ state: 'failed', reason: 'ended with code 2' });
      });

      it('that are loaded are forgiven', async () => {
        await registry.bind(bindingOf());
        await observe(listing('unloaded'));
        await registry.modelFailed('gpu', 'r0', 'm', 'It is broken.');
        await observe(listing('loaded'));
        expect(await model()).toEqual({ id: 'm', state: 'loaded' });
        await registry.modelFailed('gpu', 'nobody', 'm', 'There is no such replica.');
      });

      it('stand with the lease that is for one of them', async () => {
        await bindReady(1);
        expect((await registry.acquire('gpu', 'r0', 'm'))?.model).toBe('m');
      });
    });
  });
}
