import { TurnoverMap } from '../../collections/turnover-map';
import type { AttemptMeasure } from './pool-pace';
import type { RunningAttempt } from './station';

/** What changes while an attempt runs; read when it is needed. */
export interface Progress {
  readonly tokens: number;
}

/** What an attempt is to do. Tokens of a prompt are estimated from its bytes. */
export interface Assignment {
  readonly promptTokens: number;
  readonly askedTokens: number;
}

/** What the engine said at the end. */
export interface RunEnd {
  readonly tokens: number;
  readonly stoppedByItself: boolean;
  readonly cachedShare: number | undefined;
  /** Of generating, where it said; our own reading of it is off whenever we are late. */
  readonly decodeMs: number | undefined;
}

/** The attempts of one replica, and how many there were over time. */
interface Crowd {
  /** By their numbers, in the order in which they began: who looks at some that lie evenly among them sees all ages. */
  readonly runs: TurnoverMap<number, Run>;
  /** Attempts of other nodes there, as they said last. */
  elsewhere: number;
  /** Attempts × milliseconds since it was made, of all nodes. */
  attemptMs: number;
  sinceMs: number;
}

/** One attempt that holds a slot. */
export class Run implements RunningAttempt {
  readonly promptTokens: number;
  readonly askedTokens: number;
  firstOutputAtMs: number | undefined;

  constructor(
    /** None other has it. */
    readonly number: number,
    private readonly progress: Progress,
    readonly replica: string,
    readonly poolId: string,
    readonly startedAtMs: number,
    /** Of its replica, when it began. */
    readonly attemptMsBefore: number,
    { promptTokens, askedTokens }: Assignment,
  ) {
    this.promptTokens = promptTokens;
    this.askedTokens = askedTokens;
  }

  get tokens(): number {
    return this.progress.tokens;
  }
}

/** The attempts of this node that hold slots now, by replica. */
export class Runs {
  private readonly crowds = new Map<string, Crowd>();
  private countsElsewhere: ReadonlyMap<string, number> = new Map();
  private begun = 0;

  begin(replica: string, poolId: string, assignment: Assignment, progress: Progress, nowMs: number): Run {
    let crowd = this.crowds.get(replica);
    if (!crowd) {
      const elsewhere = this.countsElsewhere.get(replica) ?? 0;
      this.crowds.set(replica, (crowd = { runs: new TurnoverMap(), elsewhere, attemptMs: 0, sinceMs: nowMs }));
    }
    tick(crowd, nowMs);
    const run = new Run(++this.begun, progress, replica, poolId, nowMs, crowd.attemptMs, assignment);
    crowd.runs.set(run.number, run);
    return run;
  }

  /** Its slot is free. Ending it again does nothing. */
  end(run: Run, nowMs: number): void {
    const crowd = this.crowds.get(run.replica);
    if (!crowd?.runs.has(run.number)) return;
    tick(crowd, nowMs);
    crowd.runs.delete(run.number);
    if (crowd.runs.size === 0) this.crowds.delete(run.replica);
  }

  /** In the order in which they began. */
  on(replica: string): readonly Run[] {
    return this.crowds.get(replica)?.runs.items() ?? [];
  }

  *all(): IterableIterator<Run> {
    for (const { runs } of this.crowds.values()) yield* runs.items();
  }

  /** How many other nodes run by now, by replica: an engine is as slow by them as by ours. */
  countElsewhere(counts: ReadonlyMap<string, number>, nowMs: number): void {
    this.countsElsewhere = counts;
    for (const [replica, crowd] of this.crowds) {
      tick(crowd, nowMs);
      crowd.elsewhere = counts.get(replica) ?? 0;
    }
  }

  /** How a run went that is over now but has not been ended here; undefined where it has shown nothing. */
  measure(
    run: Run,
    { tokens, stoppedByItself, cachedShare, decodeMs }: RunEnd,
    nowMs: number,
  ): AttemptMeasure | undefined {
    const crowd = this.crowds.get(run.replica);
    const { firstOutputAtMs, startedAtMs, promptTokens, askedTokens } = run;
    if (!crowd || firstOutputAtMs === undefined) return undefined;
    tick(crowd, nowMs);
    const tookMs = nowMs - startedAtMs;
    return {
      promptTokens,
      askedTokens,
      cachedShare,
      prefillMs: firstOutputAtMs - startedAtMs,
      decodeMs: decodeMs !== undefined && decodeMs <= tookMs ? decodeMs : nowMs - firstOutputAtMs,
      tokens,
      stoppedByItself,
      beside: tookMs > 0 ? (crowd.attemptMs - run.attemptMsBefore) / tookMs : crowd.runs.size + crowd.elsewhere,
    };
  }
}

function tick(crowd: Crowd, nowMs: number): void {
  crowd.attemptMs += (crowd.runs.size + crowd.elsewhere) * (nowMs - crowd.sinceMs);
  crowd.sinceMs = nowMs;
}
