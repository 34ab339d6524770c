import { Injectable } from '@nestjs/common';
import { filter, firstValueFrom, fromEvent, map, merge, mergeMap, of, race, type Observable } from 'rxjs';
import { v7 as uuidv7 } from 'uuid';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { PoolRegistry } from '../registry/pool-registry.port';
import { PoolStore, type PoolWork } from '../registry/pool-store.port';

/** Reload and purge change what a pool's engines hold: of the two, one at a time for each pool, whichever nodes they are asked of. */
@Injectable()
export class PoolOperations {
  constructor(
    private readonly store: PoolStore,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to what to call when it is over, for a purge with what it came to; that never rejects.
   * @throws ServiceError POOL_BUSY while another one is under way, STORAGE_UNAVAILABLE
   */
  async begin(wanted: Omit<PoolWork, 'id'>): Promise<(report?: unknown) => Promise<void>> {
    const work: PoolWork = { id: uuidv7(), ...wanted };
    const { poolId } = work;
    const other = await this.store.beginWork(work);
    if (other) throw new ServiceError('POOL_BUSY', { message: `A ${other} of this pool is under way.` });
    return async report => {
      const purge = report === undefined ? undefined : { poolId, report: JSON.stringify(report) };
      const human = `Other nodes are not told that the ${work.operation} of pool ${poolId} is over; it lapses.`;
      const ended = Promise.resolve(this.store.endWork(work, purge));
      await this.narrator.attend(ended, human, { event: 'pool_work_not_ended', pool_id: poolId });
    };
  }
}

/** Resolves to true once nothing runs on the pool (or it is gone), to false when `signal` fires first. */
export function becomesIdle(registry: PoolRegistry, poolId: string, signal: AbortSignal): Promise<boolean> {
  const idle$ = merge(of(undefined), registry.changes$.pipe(filter(change => change.poolId === poolId))).pipe(
    mergeMap(() => registry.pool(poolId)),
    filter(pool => (pool?.running ?? 0) === 0),
    map(() => true),
  );
  const over$: Observable<boolean> = signal.aborted ? of(false) : fromEvent(signal, 'abort').pipe(map(() => false));
  return firstValueFrom(race(idle$, over$));
}
