import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { DrainService } from './drain.service';
import { PoolOperations, becomesIdle, type WorkUnderWay } from './pool-operations';
import { PoolRegistry } from '../registry/pool-registry.port';
import { PurgeSteps, type PurgeOrder, type PurgeStep } from './purge-steps';
import { TimeUp, withinTime } from '../../time/time-limit';

/** What still runs on a pool that is drained first is ended after this long. */
const DRAIN_MS = 60_000;
/** For the ended tasks to let go of their slots. */
const LET_GO_MS = 1_000;
/** Steps shown and logged; a pool of many replicas and an order of many models would make a report of megabytes. */
const MAX_STEPS_SHOWN = 256;

/** What was done, and what was not possible; shown with the pool. */
export interface PurgeReport {
  /** Wall clock. */
  readonly started_ms: number;
  readonly ended_ms: number;
  readonly steps_total: number;
  readonly steps_not_done: number;
  /** The first of them. */
  readonly steps: readonly PurgeStep[];
}

/** Frees what engines and disk hold for a pool: KV slots, loaded models, cached files. */
@Injectable()
export class PurgeService {
  constructor(
    private readonly registry: PoolRegistry,
    private readonly operations: PoolOperations,
    private readonly drains: DrainService,
    private readonly purgeSteps: PurgeSteps,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** Accepts the order; the work goes on after this resolves. @throws ServiceError POOL_NOT_FOUND, POOL_BUSY */
  async purge(poolId: string, order: PurgeOrder): Promise<void> {
    if (!(await this.registry.pool(poolId))) throw new ServiceError('POOL_NOT_FOUND');
    const closes = order.drainFirst;
    const endsAfterMs = order.force ? 0 : closes ? DRAIN_MS : undefined;
    const wanted = { poolId, operation: 'purge', closes, ...(endsAfterMs !== undefined && { endsAfterMs }) } as const;
    const work = await this.operations.begin(wanted);
    void this.carryOut(poolId, order, work).then(report => work.end(report));
  }

  /** Never rejects: nobody waits for it. */
  private async carryOut(poolId: string, order: PurgeOrder, work: WorkUnderWay): Promise<PurgeReport> {
    const startedMs = this.clock.wallMs();
    const steps: PurgeStep[] = [];
    try {
      await this.take(poolId, order, work, steps);
    } catch (cause) {
      steps.push({ step: 'purge', done: false, reason: 'Something failed inside the service.' });
      this.narrator.fail('A purge failed inside the service.', { event: 'purge_failed', pool_id: poolId }, cause);
    }
    const report: PurgeReport = {
      started_ms: startedMs,
      ended_ms: this.clock.wallMs(),
      steps_total: steps.length,
      steps_not_done: steps.filter(step => !step.done).length,
      steps: steps.slice(0, MAX_STEPS_SHOWN),
    };
    await this.report(poolId, report);
    return report;
  }

  private async take(poolId: string, order: PurgeOrder, work: WorkUnderWay, steps: PurgeStep[]): Promise<void> {
    // A pool that was draining before stays so.
    const drains = order.drainFirst && (await this.registry.pool(poolId))?.draining === false;
    const takeBack = drains ? await this.drains.drainForNow(poolId, DRAIN_MS) : undefined;
    try {
      if (order.force) steps.push(await this.endRunning(poolId, work));
      if (order.drainFirst) steps.push(await this.waitUntilIdle(poolId, work));
      const replicas = (await this.registry.pool(poolId))?.replicas ?? [];
      steps.push(...(await Promise.all(replicas.map(replica => this.purgeSteps.onReplica(replica, order)))).flat());
      steps.push(...(await this.purgeSteps.onDisk(order)));
    } finally {
      await takeBack?.();
    }
  }

  private async endRunning(poolId: string, work: WorkUnderWay): Promise<PurgeStep> {
    const before = (await this.registry.pool(poolId))?.running ?? 0;
    const here = await this.registry.revoke(
      poolId,
      new ServiceError('POOL_DRAINED', { message: 'The pool was purged.' }),
    );
    const step = `end ${Math.max(here, before)} running tasks`;
    // They end what they run; this may be over before they look for what there is to do.
    if (await work.heardByAll()) return { step, done: true };
    return { step, done: false, reason: 'Other nodes have not said that they heard of it.' };
  }

  private async waitUntilIdle(poolId: string, work: WorkUnderWay): Promise<PurgeStep> {
    // Their time begins when they hear of it, and this one's must not be over before.
    await work.heardByAll();
    try {
      await withinTime(this.alarms, DRAIN_MS + LET_GO_MS, signal => becomesIdle(this.registry, poolId, signal));
      return { step: 'drain', done: true };
    } catch (cause) {
      if (cause instanceof TimeUp) return { step: 'drain', done: false, reason: 'Tasks were still running.' };
      throw cause;
    }
  }

  private async report(poolId: string, report: PurgeReport): Promise<void> {
    const fields = { event: 'pool_purged', pool_id: poolId, ...report };
    const { steps_not_done: notDone, steps_total: total } = report;
    this.narrator.tell(`Pool ${poolId} was purged; ${notDone} of ${total} steps were not possible.`, fields);
    try {
      await this.registry.recordPurge(poolId, report);
    } catch (cause) {
      this.narrator.warn('The report of a purge could not be kept with its pool.', { event: 'purge_not_kept' }, cause);
    }
  }
}
