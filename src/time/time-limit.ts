import { firstValueFrom, fromEvent, map, of, race, type Observable } from 'rxjs';
import type { Alarm, Alarms } from './alarms';

/** What {@link withinTime} rejects with, and the reason of the signal that it gave. */
export class TimeUp extends Error {
  override readonly name = 'TimeUp';
}

/**
 * Gives work a span of any length: `signal` aborts when it is over, and the result is rejected then even where the work does
 * not heed the signal. (`AbortSignal.timeout` fires at once for a span that a Node timer cannot hold.)
 */
export async function withinTime<T>(
  alarms: Alarms,
  spanMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  let alarm: Alarm | undefined;
  const late = new Promise<never>((_, reject) => {
    alarm = alarms.after(spanMs, () => {
      const timeUp = new TimeUp(`not done within ${spanMs} ms`);
      reject(timeUp);
      over.abort(timeUp);
    });
  });
  try {
    return await Promise.race([work(over.signal), late]);
  } finally {
    alarm?.cancel();
  }
}

/** Resolves to true once `done$` emits, to false where `signal` fires first. */
export function isBefore(signal: AbortSignal, done$: Observable<unknown>): Promise<boolean> {
  const over$ = signal.aborted ? of(false) : fromEvent(signal, 'abort').pipe(map(() => false));
  return firstValueFrom(race(done$.pipe(map(() => true)), over$));
}
