import { Injectable } from '@nestjs/common';
import { filter, merge, mergeMap, of } from 'rxjs';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { PoolRegistry } from '../registry/pool-registry.port';
import { KeptOrders } from '../registry/kept-orders';
import { Alarms } from '../../time/alarms';
import { isBefore, withinTime } from '../../time/time-limit';
import { NODE_GONE_MS, PoolStore, type PoolWork } from '../registry/pool-store.port';

/** For others to hear of a work, beyond the time for which one that was killed counts as there. */
const HEARD_MS = 5_000;

/** Neither of these rejects. */
export interface WorkUnderWay {
  /** Resolves to true once all other nodes have heard of it, to false where that takes too long; the same however often it is asked. */
  heardByAll(): Promise<boolean>;
  /** It is over. Others are told again until they know; resolves once they do, or could not be told at first. @param report what a purge came to */
  end(report?: unknown): Promise<void>;
}

/** Reload and purge change what a pool's engines hold: of the two, one at a time for each pool, whichever nodes they are asked of. */
@Injectable()
export class PoolOperations {
  /** By pool and id of what is over. */
  private readonly ends: KeptOrders;

  constructor(
    private readonly config: Config,
    private readonly store: PoolStore,
    private readonly alarms: Alarms,
    narrator: Narrator,
  ) {
    this.ends = new KeptOrders(alarms, {
      again: () => undefined,
      failed: (name, cause) => {
        const poolId = name.slice(0, name.lastIndexOf('/'));
        const human = `Other nodes do not know yet that a reload or a purge of pool ${poolId} is over; they are told again.`;
        narrator.warn(human, { event: 'pool_work_not_ended', pool_id: poolId }, cause);
      },
    });
  }

  /** @throws ServiceError POOL_BUSY while another one is under way, STORAGE_UNAVAILABLE */
  async begin(wanted: Omit<PoolWork, 'id'>): Promise<WorkUnderWay> {
    const work: PoolWork = { id: uuidv7(), ...wanted };
    const { poolId } = work;
    const other = await this.store.beginWork(work);
    if (other) throw new ServiceError('POOL_BUSY', { message: `A ${other} of this pool is under way.` });
    let heard: Promise<boolean> | undefined;
    const heardByAll = (): Promise<boolean> => (heard ??= this.heardByAll(work));
    const end = (report?: unknown): Promise<void> => {
      const purge = report === undefined ? undefined : { poolId, report: JSON.stringify(report) };
      return this.ends.write(`${poolId}/${work.id}`, async () => this.store.endWork(work, purge));
    };
    return { heardByAll, end };
  }

  private heardByAll(work: PoolWork): Promise<boolean> {
    const spanMs = Math.max(NODE_GONE_MS, this.config.storeLeaseMs) + HEARD_MS;
    const heard = withinTime(this.alarms, spanMs, async signal => this.store.heardByAll(work, signal));
    return heard.catch(() => false);
  }
}

/** Resolves to true once nothing runs on the pool (or it is gone), to false when `signal` fires first. */
export function becomesIdle(registry: PoolRegistry, poolId: string, signal: AbortSignal): Promise<boolean> {
  const idle$ = merge(of(undefined), registry.changes$.pipe(filter(change => change.poolId === poolId))).pipe(
    mergeMap(() => registry.pool(poolId)),
    filter(pool => (pool?.running ?? 0) === 0),
  );
  return isBefore(signal, idle$);
}
