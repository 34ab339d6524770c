import { Injectable } from '@nestjs/common';
import { NEVER } from 'rxjs';
import { EngineRegistry } from '../../engines/engine-registry';
import { standIn } from '../../engines/stand-in';
import { ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/registry/pool';
import { PlacementService } from '../../pools/placement/placement.service';
import { Finisher } from '../ending/finisher';
import { TaskReporter } from '../ending/task-reporter';
import { TaskLedger } from '../ledger/task-ledger.port';
import { Attempts } from './attempts';
import { FallbackPolicy } from './fallback-policy';

/**
 * What happens when a stream is opened and no pool that the task may use is ready (`ORCHD_FALLBACK`). A pool that is busy,
 * drains, reloads or was not probed yet is waited for, and an engine's failure is never covered up.
 */
@Injectable()
export class Fallback {
  constructor(
    private readonly policy: FallbackPolicy,
    private readonly placement: PlacementService,
    private readonly engines: EngineRegistry,
    private readonly ledger: TaskLedger,
    private readonly attempts: Attempts,
    private readonly finisher: Finisher,
    private readonly reporter: TaskReporter,
  ) {}

  async onStreamOpened(taskId: string): Promise<void> {
    const task = await this.ledger.find(taskId);
    if (task?.state !== 'queued' || task.lastFailure) return;
    const policy = this.policy.for(task.spec.constraints);
    if (policy === 'wait') return;
    const { verdict } = this.placement.assess(task.spec.constraints);
    if (verdict === 'ready' || verdict === 'waiting' || verdict === 'draining') return;
    if (policy === 'error') {
      await this.finisher.cancel(taskId, { state: 'failed', error: new ServiceError('POOL_UNREADY') });
      return;
    }
    // Whoever takes it off the queue runs it: this, or a dispatch that found a pool after all.
    const claim = await this.ledger.claimFor(taskId, this.standInLease(task.spec.constraints.pinPoolId));
    if (!claim) return;
    this.reporter.fallback(task.spec);
    this.attempts.start(claim, true);
  }

  /** The stand-in has a slot for everybody. */
  private standInLease(poolId = 'default'): Lease {
    const { engine, engineVersion } = standIn;
    const adapter = this.engines.find(engine);
    if (!adapter) throw new ServiceError('INTERNAL', {}, new Error('the deterministic engine is not registered'));
    return {
      poolId,
      replicaId: engine,
      engine,
      engineVersion,
      adapter,
      target: { url: '', poolId, replicaId: engine },
      atWork: false,
      heard: 0,
      revoked$: NEVER,
      isStandIn: true,
      release: () => undefined,
    };
  }
}
