import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { KeptDrain } from '../registry/pool-store.port';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { KeptDrains } from './kept-drains';
import { PoolRegistry } from '../registry/pool-registry.port';

interface Drain {
  /** Rings at the deadline; undefined where that had passed before a restart. */
  readonly deadline: Alarm | undefined;
  /** For the time of some work, whose end takes it back. */
  readonly passing: boolean;
}

/** Drains pools: no new work at once, an end to what still runs at the deadline. */
@Injectable()
export class DrainService {
  /** By pool. */
  private readonly drains = new Map<string, Drain>();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly kept: KeptDrains,
    private readonly alarms: Alarms,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Holds until it is taken back, over restarts too. Draining again sets a new deadline. @throws ServiceError POOL_NOT_FOUND */
  async drain(poolId: string, deadlineMs: number): Promise<void> {
    const deadlineAtMs = this.clock.wallMs() + deadlineMs;
    await this.begin(poolId, deadlineMs, false);
    await this.kept.keep({ poolId, deadlineMs, deadlineAtMs });
  }

  /**
   * A drain for the time of some work, of which a restart knows nothing, as it does not of the work. What is returned takes the
   * pool back, unless somebody drained it before or meanwhile: that drain is theirs. @throws ServiceError POOL_NOT_FOUND
   */
  async drainForNow(poolId: string, deadlineMs: number): Promise<() => Promise<void>> {
    if (this.drains.get(poolId)?.passing === false) return async () => undefined;
    const drain = await this.begin(poolId, deadlineMs, true);
    return async () => {
      if (this.drains.get(poolId) === drain) await this.undrain(poolId);
    };
  }

  /** @throws ServiceError POOL_NOT_FOUND */
  async undrain(poolId: string): Promise<void> {
    this.drains.get(poolId)?.deadline?.cancel();
    this.drains.delete(poolId);
    if (!(await this.registry.setDraining(poolId, false))) throw new ServiceError('POOL_NOT_FOUND');
    await this.kept.forget(poolId);
    this.narrator.tell(`Pool ${poolId} takes work again.`, { event: 'pool_undrained', pool_id: poolId });
  }

  /** Drains of the process before, each with what is left of its deadline: a pool that is drained has none of our work till then. */
  async restore(drains: readonly KeptDrain[]): Promise<void> {
    for (const { poolId, deadlineMs, deadlineAtMs } of drains) {
      await this.registry.restoreDraining(poolId);
      // A clock that was set back must not make a deadline longer than it was.
      const leftMs = Math.min(deadlineAtMs - this.clock.wallMs(), deadlineMs);
      const deadline = leftMs > 0 ? this.alarms.after(leftMs, () => void this.cut(poolId)) : undefined;
      this.drains.set(poolId, { deadline, passing: false });
      const human = `Pool ${poolId} still drains, as it did before the restart.`;
      this.narrator.tell(human, { event: 'pool_draining', pool_id: poolId, deadline_ms: Math.max(0, leftMs) });
    }
  }

  /** What is kept now, and whose drain another node has taken back. */
  async follow(drains: readonly KeptDrain[], gone: ReadonlySet<string>): Promise<void> {
    for (const poolId of gone) {
      this.drains.get(poolId)?.deadline?.cancel();
      this.drains.delete(poolId);
      await this.registry.setDraining(poolId, false);
    }
    await this.restore(drains.filter(({ poolId }) => this.drains.get(poolId)?.passing !== false));
  }

  private async begin(poolId: string, deadlineMs: number, passing: boolean): Promise<Drain> {
    if (!(await this.registry.setDraining(poolId, true))) throw new ServiceError('POOL_NOT_FOUND');
    this.drains.get(poolId)?.deadline?.cancel();
    const drain: Drain = { deadline: this.alarms.after(deadlineMs, () => void this.cut(poolId)), passing };
    this.drains.set(poolId, drain);
    this.narrator.tell(`Pool ${poolId} drains; what still runs in ${deadlineMs} ms is ended.`, {
      event: 'pool_draining',
      pool_id: poolId,
      deadline_ms: deadlineMs,
    });
    return drain;
  }

  private async cut(poolId: string): Promise<void> {
    try {
      const ended = await this.registry.revoke(poolId, new ServiceError('POOL_DRAINED'));
      this.narrator.tell(`The drain of pool ${poolId} is over; ${ended} tasks were ended.`, {
        event: 'pool_drained',
        pool_id: poolId,
        tasks_ended: ended,
      });
    } catch (cause) {
      const fields = { event: 'drain_failed', pool_id: poolId };
      this.narrator.fail(`What still runs on pool ${poolId} could not be ended.`, fields, cause);
    }
  }
}
