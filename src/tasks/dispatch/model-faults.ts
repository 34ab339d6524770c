import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { concatMap, filter, type Subscription } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { PlacementService } from '../../pools/placement/placement.service';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { Finisher } from '../ending/finisher';
import { TaskLedger, type Claim } from '../ledger/task-ledger.port';

/**
 * Models that could not be loaded: no task waits for one until its deadline. A task whose attempt found out goes elsewhere where
 * another candidate has the model; otherwise it ends with the engine's reason, and so do all that are queued for the same.
 */
@Injectable()
export class ModelFaults implements OnModuleInit, OnModuleDestroy {
  private changes: Subscription | undefined;

  constructor(
    private readonly pools: PoolRegistry,
    private readonly placement: PlacementService,
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    const fields = { event: 'stranded_not_ended' };
    this.changes = this.pools.poolChanges$
      .pipe(
        filter(change => change.kind === 'health'),
        concatMap(() =>
          this.narrator.attend(this.endStranded(), 'Tasks of a model that failed could not be ended.', fields),
        ),
      )
      .subscribe();
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** Takes in that an attempt failed for the sake of its model; true where no other candidate could run the task. */
  async isHopeless({ spec, placement }: Claim, error: ServiceError): Promise<boolean> {
    const { poolId, replicaId, model } = placement;
    if (error.code !== 'MODEL_LOAD_FAILED' || model === undefined) return false;
    await this.pools.modelFailed(poolId, replicaId, model, error.message);
    return this.placement.assess(spec.constraints).verdict === 'model-failed';
  }

  /** Looks at the lanes, which are few, before it looks at the tasks. */
  private async endStranded(): Promise<void> {
    const lanes = await this.ledger.laneDepths();
    if (!lanes.some(({ constraints }) => this.placement.assess(constraints).verdict === 'model-failed')) return;
    for (const { spec, state } of [...(await this.ledger.live())]) {
      if (state !== 'queued') continue;
      const { verdict, failure } = this.placement.assess(spec.constraints);
      if (verdict !== 'model-failed') continue;
      const error = new ServiceError('MODEL_LOAD_FAILED', failure === undefined ? {} : { message: failure });
      await this.finisher.cancel(spec.taskId, { state: 'failed', error });
    }
  }
}
