import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import type { EngineOutcome } from '../../engines/engine-adapter.port';
import { asServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { EngineAccess } from '../probing/engine-access';
import { ModelStates } from './model-states';
import type { ReplicaStatus } from '../registry/pool';
import { Prober } from '../probing/prober';
import { TimeUp, withinTime } from '../../time/time-limit';

/** A busy slot is erased when its run is over, so this is also how long that is waited for. */
const STEP_MS = 30_000;

export interface PurgeOrder {
  readonly purgeEngine: boolean;
  readonly purgeModels: readonly string[];
  readonly drainFirst: boolean;
  readonly deleteCacheDirs: boolean;
  readonly force: boolean;
}

/** As the report shows it. */
export interface PurgeStep {
  readonly step: string;
  readonly done: boolean;
  /** Why not, in the engine's words where it gave any. */
  readonly reason?: string;
}

/** The single steps of a purge. What is not possible is a step not done, and the next one follows. */
@Injectable()
export class PurgeSteps {
  constructor(
    private readonly engines: EngineAccess,
    private readonly models: ModelStates,
    private readonly catalog: CatalogService,
    private readonly prober: Prober,
    private readonly alarms: Alarms,
  ) {}

  async onReplica(replica: ReplicaStatus, { purgeEngine, purgeModels }: PurgeOrder): Promise<readonly PurgeStep[]> {
    const { adapter, target } = this.engines.of(replica);
    const steps: PurgeStep[] = [];
    const attempt = async (step: string, act: (signal: AbortSignal) => Promise<EngineOutcome>): Promise<boolean> => {
      const outcome = await withinTime(this.alarms, STEP_MS, act).catch(toOutcome);
      steps.push({
        step: `${step} on ${replica.replicaId}`,
        done: outcome.ok,
        ...(!outcome.ok && { reason: outcome.reason }),
      });
      return outcome.ok;
    };
    if (purgeEngine) await attempt('erase KV slots', signal => adapter.eraseSlots(target, signal));
    for (const model of purgeModels) {
      const done = await attempt(`unload ${model}`, signal => adapter.unload(target, model, signal));
      if (done) await this.models.unloaded(replica, model);
    }
    if (purgeModels.length > 0) await this.prober.probeNow(replica.poolId, replica.replicaId);
    return steps;
  }

  async onDisk({ deleteCacheDirs, purgeModels }: PurgeOrder): Promise<readonly PurgeStep[]> {
    if (!deleteCacheDirs) return [];
    const steps: PurgeStep[] = [];
    for (const model of purgeModels) {
      const { deleted, reason } = await this.catalog.removeCachedFiles(model).catch(toNothingDeleted);
      const step = `delete cached files of ${model}`;
      steps.push({ step, done: deleted > 0, ...(reason !== undefined && { reason }) });
    }
    return steps;
  }
}

function toOutcome(cause: unknown): EngineOutcome {
  const reason =
    cause instanceof TimeUp ? `The engine did not do it within ${STEP_MS} ms.` : asServiceError(cause).message;
  return { ok: false, unsupported: false, reason };
}

function toNothingDeleted(cause: unknown): { readonly deleted: number; readonly reason?: string } {
  return { deleted: 0, reason: asServiceError(cause).message };
}
