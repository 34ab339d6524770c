import { Observable } from 'rxjs';
import type { Clock } from '../../time/clock';
import type { EngineEvent, EngineTarget } from '../engine-adapter.port';

/** Longer than any step of an engine: a kernel that is compiled on its first use was seen to take 20 s. */
const STANDSTILL_MS = 60_000;
/** Engines that are watched; of more, those that were quiet longest are forgotten. */
const MAX_WATCHED = 1024;

interface Watched {
  /** Runs that we have there. */
  runs: number;
  steps: number | undefined;
  /** When it last moved, or had nothing to move for. */
  movedAtMs: number;
}

/**
 * Tells an engine that stands still from one that has nothing to do: some answer that they are well, with the figures of the moment
 * before, while the process that does the work is stopped. It stands still when we have runs there, or it tells of some itself, and
 * it counts no step for a minute.
 */
export class Standstill {
  private readonly engines = new Map<string, Watched>();

  constructor(private readonly clock: Clock) {}

  /** The same run, counted for as long as somebody listens to it. */
  counted({ url }: EngineTarget, run$: Observable<readonly EngineEvent[]>): Observable<readonly EngineEvent[]> {
    return new Observable(subscriber => {
      const watched = this.at(url);
      if (watched.runs++ === 0) watched.movedAtMs = this.clock.nowMs();
      subscriber.add(() => watched.runs--);
      return run$.subscribe(subscriber);
    });
  }

  /** Why it is not believed to be well; undefined where nothing speaks against it. */
  reason({ url }: EngineTarget, told: { readonly steps?: number; readonly running?: number }): string | undefined {
    const watched = this.at(url);
    const nowMs = this.clock.nowMs();
    const isIdle = watched.runs === 0 && (told.running ?? 0) === 0;
    if (isIdle || told.steps === undefined || told.steps !== watched.steps) {
      watched.steps = told.steps;
      watched.movedAtMs = nowMs;
      return undefined;
    }
    const stillMs = nowMs - watched.movedAtMs;
    if (stillMs < STANDSTILL_MS) return undefined;
    return `The engine says that it is well, and has made no step for ${Math.round(stillMs / 1000)} s with requests at work.`;
  }

  private at(url: string): Watched {
    const known = this.engines.get(url) ?? { runs: 0, steps: undefined, movedAtMs: this.clock.nowMs() };
    this.engines.delete(url);
    this.engines.set(url, known);
    if (this.engines.size > MAX_WATCHED) {
      const idle = [...this.engines].find(([, { runs }]) => runs === 0)?.[0];
      if (idle !== undefined) this.engines.delete(idle);
    }
    return known;
  }
}
