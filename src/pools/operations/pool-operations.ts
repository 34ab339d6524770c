import { Injectable } from '@nestjs/common';
import { filter, firstValueFrom, fromEvent, map, merge, mergeMap, of, race, type Observable } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import type { PoolRegistry } from '../registry/pool-registry.port';

type Operation = 'reload' | 'purge';

/** Reload and purge change what a pool's engines hold: of the two, one at a time for each pool. */
@Injectable()
export class PoolOperations {
  private readonly underWay = new Map<string, Operation>();

  /** Returns what to call when it is over. @throws ServiceError POOL_BUSY while another one is under way */
  begin(poolId: string, operation: Operation): () => void {
    const other = this.underWay.get(poolId);
    if (other) throw new ServiceError('POOL_BUSY', { message: `A ${other} of this pool is under way.` });
    this.underWay.set(poolId, operation);
    return () => this.underWay.delete(poolId);
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
