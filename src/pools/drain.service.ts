import { Injectable } from '@nestjs/common';
import { ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { Alarms, type Alarm } from '../time/alarms';
import { PoolRegistry } from './pool-registry.port';

/** Drains pools: no new work at once, an end to what still runs at the deadline. */
@Injectable()
export class DrainService {
  private readonly deadlines = new Map<string, Alarm>();
  /** Drains that somebody will take back, by pool. */
  private readonly passing = new Map<string, object>();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** Draining again sets a new deadline. @throws ServiceError POOL_NOT_FOUND */
  async drain(poolId: string, deadlineMs: number): Promise<void> {
    this.passing.delete(poolId);
    if (!(await this.registry.setDraining(poolId, true))) throw new ServiceError('POOL_NOT_FOUND');
    this.deadlines.get(poolId)?.cancel();
    this.deadlines.set(
      poolId,
      this.alarms.after(deadlineMs, () => void this.cut(poolId)),
    );
    this.narrator.tell(`Pool ${poolId} drains; what still runs in ${deadlineMs} ms is ended.`, {
      event: 'pool_draining',
      pool_id: poolId,
      deadline_ms: deadlineMs,
    });
  }

  /**
   * A drain for the time of some work. What is returned takes the pool back, unless it was drained anew meanwhile: that one is
   * somebody else's. @throws ServiceError POOL_NOT_FOUND
   */
  async drainForNow(poolId: string, deadlineMs: number): Promise<() => Promise<void>> {
    await this.drain(poolId, deadlineMs);
    const drain = {};
    this.passing.set(poolId, drain);
    return async () => {
      if (this.passing.get(poolId) === drain) await this.undrain(poolId);
    };
  }

  /** @throws ServiceError POOL_NOT_FOUND */
  async undrain(poolId: string): Promise<void> {
    this.deadlines.get(poolId)?.cancel();
    this.deadlines.delete(poolId);
    this.passing.delete(poolId);
    if (!(await this.registry.setDraining(poolId, false))) throw new ServiceError('POOL_NOT_FOUND');
    this.narrator.tell(`Pool ${poolId} takes work again.`, { event: 'pool_undrained', pool_id: poolId });
  }

  private async cut(poolId: string): Promise<void> {
    this.deadlines.delete(poolId);
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
