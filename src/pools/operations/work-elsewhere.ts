import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { PoolRegistry } from '../registry/pool-registry.port';
import type { KeptPurge, PoolWork } from '../registry/pool-store.port';

/** Reloads and purges that other nodes have under way: what they keep from the pool is kept from it here too. */
@Injectable()
export class WorkElsewhere {
  /** By pool. */
  private readonly known = new Map<string, { readonly work: PoolWork; readonly end: Alarm | undefined }>();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** What is under way now, and what the last purge of each pool came to. */
  async follow(works: readonly PoolWork[], purges: readonly KeptPurge[]): Promise<void> {
    const now = new Map(works.map(work => [work.poolId, work]));
    for (const [poolId, { work, end }] of this.known) {
      if (now.get(poolId)?.id === work.id) continue;
      this.known.delete(poolId);
      end?.cancel();
      if (work.closes) await this.registry.setReloading(poolId, false, work.id);
    }
    for (const work of works) {
      if (!this.known.has(work.poolId)) this.begin(work);
      // A pool may be another one by now.
      if (work.closes) await this.registry.setReloading(work.poolId, true, work.id);
    }
    for (const { poolId, report } of purges) await this.registry.recordPurge(poolId, JSON.parse(report));
  }

  private begin(work: PoolWork): void {
    const { poolId, endsAfterMs } = work;
    const endsLater = endsAfterMs !== undefined && endsAfterMs > 0;
    const end = endsLater ? this.alarms.after(endsAfterMs, () => void this.endRunning(poolId)) : undefined;
    this.known.set(poolId, { work, end });
    // Not in a while, for it may be over by then.
    if (endsAfterMs === 0) void this.endRunning(poolId);
  }

  private endRunning(poolId: string): Promise<void> {
    const error = new ServiceError('POOL_DRAINED', { message: 'The pool was purged.' });
    const human = `What this node runs on pool ${poolId} could not be ended for a purge.`;
    return this.narrator.attend(this.registry.revoke(poolId, error), human, { event: 'purge_not_followed' });
  }
}
