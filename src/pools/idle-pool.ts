import { filter, firstValueFrom, fromEvent, map, merge, mergeMap, of, race, type Observable } from 'rxjs';
import type { PoolRegistry } from './registry/pool-registry.port';

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
