import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { KeptDrain } from '../registry/pool-store.port';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { KeptDrains } from './kept-drains';
import { PoolRegistry } from '../registry/pool-registry.port';

interface Drain {
  /** Rings at the deadline; undefined where that had passed before it was heard of. */
  readonly deadline: Alarm | undefined;
  /** As {@link KeptDrain.deadlineAtMs}. */
  readonly deadlineAtMs: number;
}

/** Drains pools: no new work at once, an end to what still runs at the deadline. */
@Injectable()
export class DrainService {
  /** What was ordered, here or at another node, by pool. */
  private readonly drains = new Map<string, Drain>();
  /** For the time of some work of this node, whose end takes it back, by pool: nothing of it is kept, and no other node's is touched by it. */
  private readonly passing = new Map<string, Alarm>();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly kept: KeptDrains,
    private readonly alarms: Alarms,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Holds until it is taken back, over restarts too. Draining again sets a new deadline. @throws ServiceError POOL_NOT_FOUND */
  async drain(poolId: string, deadlineMs: number): Promise<void> {
    await this.kept.order(poolId, async () => {
      const deadlineAtMs = this.clock.wallMs() + deadlineMs;
      await this.close(poolId, deadlineMs);
      this.passing.get(poolId)?.cancel();
      this.hold(poolId, deadlineAtMs, deadlineMs);
      return { poolId, deadlineMs, deadlineAtMs };
    });
  }

  /**
   * A drain for the time of some work, of which a restart knows nothing, as it does not of the work. What is returned takes the
   * pool back, unless somebody drained it before or meanwhile: that drain is theirs. @throws ServiceError POOL_NOT_FOUND
   */
  async drainForNow(poolId: string, deadlineMs: number): Promise<() => Promise<void>> {
    if (this.drains.has(poolId)) return async () => undefined;
    await this.close(poolId, deadlineMs);
    const deadline = this.alarms.after(deadlineMs, () => void this.cut(poolId));
    this.passing.get(poolId)?.cancel();
    this.passing.set(poolId, deadline);
    return async () => {
      if (this.passing.get(poolId) !== deadline) return;
      this.forgetPassing(poolId);
      if (!this.drains.has(poolId)) await this.open(poolId);
    };
  }

  /** @throws ServiceError POOL_NOT_FOUND */
  async undrain(poolId: string): Promise<void> {
    await this.kept.order(poolId, async () => {
      this.forgetPassing(poolId);
      this.forget(poolId);
      if (!(await this.open(poolId))) throw new ServiceError('POOL_NOT_FOUND');
      return undefined;
    });
  }

  /** Drains of the process before, each with what is left of its deadline: a pool that is drained has none of our work till then. */
  async restore(drains: readonly KeptDrain[]): Promise<void> {
    for (const drain of drains) {
      const leftMs = await this.take(drain, 'still drains, as it did before the restart');
      this.hold(drain.poolId, drain.deadlineAtMs, leftMs > 0 ? leftMs : undefined);
    }
  }

  /** What is kept now, and whose drain another node has taken back. */
  async follow(drains: readonly KeptDrain[], gone: ReadonlySet<string>): Promise<void> {
    for (const poolId of gone) {
      if (this.kept.passesOver(poolId) || !this.drains.has(poolId)) continue;
      this.forget(poolId);
      if (!this.passing.has(poolId)) await this.open(poolId);
    }
    for (const drain of drains) {
      const { poolId, deadlineAtMs } = drain;
      if (this.kept.passesOver(poolId) || this.drains.get(poolId)?.deadlineAtMs === deadlineAtMs) continue;
      // Of one that is over already: what runs here was not ended by it yet.
      this.hold(poolId, deadlineAtMs, await this.take(drain, 'drains, as another node was told'));
    }
  }

  /** Resolves to what is left of its deadline. */
  private async take({ poolId, deadlineMs, deadlineAtMs }: KeptDrain, how: string): Promise<number> {
    await this.registry.restoreDraining(poolId);
    // A clock that was set back must not make a deadline longer than it was.
    const leftMs = Math.max(0, Math.min(deadlineAtMs - this.clock.wallMs(), deadlineMs));
    const fields = { event: 'pool_draining', pool_id: poolId, deadline_ms: leftMs };
    this.narrator.tell(`Pool ${poolId} ${how}.`, fields);
    return leftMs;
  }

  /** In place of the one before. */
  private hold(poolId: string, deadlineAtMs: number, leftMs: number | undefined): void {
    this.forget(poolId);
    const deadline = leftMs === undefined ? undefined : this.alarms.after(leftMs, () => void this.cut(poolId));
    this.drains.set(poolId, { deadline, deadlineAtMs });
  }

  private forget(poolId: string): void {
    this.drains.get(poolId)?.deadline?.cancel();
    this.drains.delete(poolId);
  }

  private forgetPassing(poolId: string): void {
    this.passing.get(poolId)?.cancel();
    this.passing.delete(poolId);
  }

  private async close(poolId: string, deadlineMs: number): Promise<void> {
    if (!(await this.registry.setDraining(poolId, true))) throw new ServiceError('POOL_NOT_FOUND');
    this.narrator.tell(`Pool ${poolId} drains; what still runs in ${deadlineMs} ms is ended.`, {
      event: 'pool_draining',
      pool_id: poolId,
      deadline_ms: deadlineMs,
    });
  }

  /** False where there is no such pool. */
  private async open(poolId: string): Promise<boolean> {
    if (!(await this.registry.setDraining(poolId, false))) return false;
    this.narrator.tell(`Pool ${poolId} takes work again.`, { event: 'pool_undrained', pool_id: poolId });
    return true;
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
