import type { PoolPace, Span } from './pool-pace';

/** Tasks that are alike enough to be counted together. */
export interface Work {
  readonly tasks: number;
  /** Estimated, of all of them together. */
  readonly promptTokens: number;
  readonly askedTokens: number;
}

/** An attempt that holds a slot. Times are of one monotonic clock. */
export interface RunningAttempt {
  readonly startedAtMs: number;
  /** Undefined until it has shown something. */
  readonly firstOutputAtMs: number | undefined;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly askedTokens: number;
  /** When it was as said here, for one that another node runs; undefined: now. */
  readonly asOfMs?: number;
}

/** Replicas of one pool that are alike to whoever waits: what can run on one can run on all. */
export interface Station {
  readonly pace: PoolPace;
  readonly replicas: number;
  readonly slotsTotal: number;
  readonly slotsFree: number;
  /** Nobody runs there any more, but the engine is still to notice. */
  readonly slotsReleasing: number;
  /** Of all nodes; where they and the free slots are fewer than there are slots, somebody else uses the rest. */
  readonly running: readonly RunningAttempt[];
}

/** What is known of a pool counts as so many tokens beside those that its attempts show right now. */
const TOKENS_KNOWN = 400;
const TOKENS_ASSUMED = 8;
/** Below this many tokens an attempt shows no pace. */
const TELLING_TOKENS = 4;
/** No engine is faster for one task; keeps what was told in whole milliseconds from being an endless pace. */
const LEAST_MS_PER_TOKEN = 0.01;

/** How long things take at a station, as of now: by what its pool is known for, and by what its attempts show. */
export class StationPace {
  private readonly msPerToken: number;
  /** Of one attempt. */
  private readonly sdPerToken: number;

  /** @param running attempts of the station, or a sample of them */
  constructor(
    private readonly station: Station,
    running: readonly RunningAttempt[],
    private readonly nowMs: number,
  ) {
    const { pace, replicas, slotsTotal } = station;
    const known = pace.decodePace(slotsTotal / replicas);
    let tokens = pace.isMeasured ? TOKENS_KNOWN : TOKENS_ASSUMED;
    let tokensMs = tokens * known.msPerToken;
    for (const attempt of running) {
      if (attempt.firstOutputAtMs === undefined || attempt.tokens < TELLING_TOKENS) continue;
      tokensMs += (attempt.asOfMs ?? nowMs) - attempt.firstOutputAtMs;
      // The first came at once, and by now the next is on average half there.
      tokens += attempt.tokens - 0.5;
    }
    this.msPerToken = tokensMs / tokens;
    this.sdPerToken = known.sd * Math.min(1, this.msPerToken / known.msPerToken);
  }

  /** How long a task of this mean size holds its slot. */
  spanOf(promptTokens: number, askedTokens: number): Span {
    const prefill = this.station.pace.prefillOf(promptTokens);
    const { mean, variance } = this.station.pace.lengthOf(askedTokens);
    return plus(prefill, this.decodeOf(Math.max(0, mean - 1), variance));
  }

  /** Relative standard deviation of that mean: if it is off, it is off for everything that waits. */
  doubtOf(askedTokens: number): number {
    const { pace } = this.station;
    const { msPerToken, sdOfMean } = pace.decodePace(1);
    return Math.hypot(sdOfMean / msPerToken, pace.lengthLeft(0, askedTokens).doubt);
  }

  /**
   * How long an attempt goes on holding its slot.
   * @param next what would have its slot after it
   */
  leftOf(attempt: RunningAttempt, next: Span): Span {
    const { startedAtMs, firstOutputAtMs, tokens, promptTokens, askedTokens } = this.byNow(attempt);
    const { pace } = this.station;
    // It has ended since it was told of, and its slot is held all the same: by another, since then.
    if (tokens > askedTokens && attempt.asOfMs !== undefined) {
      const nextForMs = (tokens - askedTokens) * this.msPerToken;
      return { ...next, meanMs: Math.max(next.meanMs / 10, next.meanMs - nextForMs) };
    }
    const { mean, variance } = pace.lengthLeft(tokens, askedTokens);
    if (firstOutputAtMs === undefined) {
      const prefill = pace.prefillOf(promptTokens);
      const leftMs = Math.max(prefill.meanMs - (this.nowMs - startedAtMs), prefill.meanMs / 10);
      return plus({ ...prefill, meanMs: leftMs }, this.decodeOf(Math.max(0, mean - 1), variance));
    }
    // The next token is on its way since the last one.
    const sinceLastMs = this.nowMs - firstOutputAtMs - (tokens - 1) * this.msPerToken;
    const underWayMs = Math.min(this.msPerToken, Math.max(0, sinceLastMs));
    const decode = this.decodeOf(mean, variance);
    return { ...decode, meanMs: Math.max(0, decode.meanMs - underWayMs) };
  }

  /**
   * Where an attempt is by now that was told of a while ago: gone on at the pace that it showed, or where it had shown none at that of the station.
   * Past what was asked of it where it should have ended.
   */
  private byNow(attempt: RunningAttempt): RunningAttempt {
    const { asOfMs, startedAtMs, firstOutputAtMs, tokens, promptTokens } = attempt;
    if (asOfMs === undefined) return attempt;
    const beganAtMs =
      firstOutputAtMs ?? Math.max(asOfMs, startedAtMs + this.station.pace.prefillOf(promptTokens).meanMs);
    if (beganAtMs > this.nowMs) return attempt;
    const isTelling = firstOutputAtMs !== undefined && tokens >= TELLING_TOKENS;
    const msPerToken = isTelling ? (asOfMs - firstOutputAtMs) / (tokens - 0.5) : this.msPerToken;
    const shown = firstOutputAtMs === undefined ? 1 : tokens;
    const more = (this.nowMs - Math.max(asOfMs, beganAtMs)) / Math.max(LEAST_MS_PER_TOKEN, msPerToken);
    return { ...attempt, firstOutputAtMs: beganAtMs, tokens: shown + more };
  }

  private decodeOf(tokens: number, variance: number): Span {
    return {
      meanMs: tokens * this.msPerToken,
      varianceMs2: variance * this.msPerToken ** 2 + (tokens * this.sdPerToken) ** 2,
    };
  }
}

function plus(a: Span, b: Span): Span {
  return { meanMs: a.meanMs + b.meanMs, varianceMs2: a.varianceMs2 + b.varianceMs2 };
}
