import { Injectable } from '@nestjs/common';
import type { EngineOutcome } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { EngineAccess } from '../probing/engine-access';
import { ModelStates } from './model-states';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';
import { Prober } from '../probing/prober';
import { withinTime } from '../../time/time-limit';

/** Bound of what is done to each replica after the swap: unloading the old model, or loading it again. */
const AFTERWARDS_MS = 60_000;

/** The replicas that a swap has touched, each with the models it had loaded before. */
export type Touched = Map<ReplicaStatus, readonly string[]>;

/** Changes the models that engines have loaded. */
@Injectable()
export class ModelSwap {
  constructor(
    private readonly registry: PoolRegistry,
    private readonly engines: EngineAccess,
    private readonly models: ModelStates,
    private readonly prober: Prober,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Loads the model on all replicas: on one first, so that a model that cannot be loaded disturbs no other. `touched` is
   * filled as it goes on. @throws ServiceError RELOAD_FAILED with the reason of the engine, once no load is under way any more
   */
  async load(
    replicas: readonly ReplicaStatus[],
    modelRef: string,
    signal: AbortSignal,
    touched: Touched,
  ): Promise<void> {
    const [first, ...others] = replicas;
    if (!first) throw new ServiceError('RELOAD_FAILED', { message: 'The pool has no replica.' });
    const loadOn = async (replica: ReplicaStatus): Promise<void> => {
      signal.throwIfAborted();
      touched.set(replica, this.models.loadedOn(replica));
      await this.loadOne(replica, modelRef, signal);
    };
    await loadOn(first);
    const loads = await Promise.allSettled(others.map(loadOn));
    for (const load of loads) if (load.status === 'rejected') throw load.reason;
  }

  /** Frees what the new model replaced, and brings the registry and the gauge up to date. */
  async settle(touched: Touched, modelRef: string): Promise<void> {
    await this.afterwards(touched, 'unload_failed', async (replica, before, signal) => {
      for (const model of before) {
        if (model === this.models.idOn(replica, modelRef)) continue;
        const outcome = await this.unloadOne(replica, model, signal);
        // An engine with one model cannot unload it, and need not.
        if (!outcome.ok && !outcome.unsupported) throw new Error(outcome.reason);
      }
    });
    for (const { poolId, replicaId } of touched.keys()) {
      const replica = await this.registry.replica(poolId, replicaId);
      if (replica) await this.models.loaded(replica, this.models.idOn(replica, modelRef));
    }
  }

  /** Gives every touched replica back what it had. */
  async rollBack(touched: Touched, modelRef: string): Promise<void> {
    await this.afterwards(touched, 'rollback_failed', async (replica, before, signal) => {
      // Where it was not loaded after all this does nothing.
      if (!before.includes(this.models.idOn(replica, modelRef))) await this.unloadOne(replica, modelRef, signal);
      for (const model of before) await this.loadOne(replica, model, signal);
    });
  }

  /** On all replicas at once; what fails on one is told, and the others go on. */
  private async afterwards(
    touched: Touched,
    event: string,
    act: (replica: ReplicaStatus, before: readonly string[], signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const each = [...touched].map(async ([replica, before]) => {
      const { poolId, replicaId } = replica;
      try {
        await withinTime(this.alarms, AFTERWARDS_MS, signal => act(replica, before, signal));
      } catch (cause) {
        const fields = { event, pool_id: poolId, replica_id: replicaId };
        this.narrator.warn(`The models of ${poolId}/${replicaId} may not be what they should be.`, fields, cause);
      }
      await this.prober.probeNow(poolId, replicaId);
    });
    await Promise.all(each);
  }

  private async loadOne(replica: ReplicaStatus, modelRef: string, signal: AbortSignal): Promise<void> {
    const { adapter, target } = this.engines.of(replica);
    const outcome = await adapter.load(target, this.models.idOn(replica, modelRef), signal);
    if (!outcome.ok) throw new ServiceError('RELOAD_FAILED', { engine: adapter.engine, message: outcome.reason });
  }

  private unloadOne(replica: ReplicaStatus, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    const { adapter, target } = this.engines.of(replica);
    return adapter.unload(target, this.models.idOn(replica, modelRef), signal);
  }
}
