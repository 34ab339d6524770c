import { OutputLengths, type LengthOutlook, type LengthsSnapshot } from './output-lengths';
import { Trend, type TrendSnapshot } from './trend';

/** How one attempt went, from the moment it took its slot. */
export interface AttemptMeasure {
  /** Estimated from the prompt's bytes, as every prompt is before an engine has counted it. */
  readonly promptTokens: number;
  /** 0 to 1: what the engine had in its cache; undefined where it does not say. */
  readonly cachedShare?: number;
  readonly askedTokens: number;
  /** From taking the slot to the first output. */
  readonly prefillMs: number;
  /** From there to the end. */
  readonly decodeMs: number;
  /** By the engine's count. */
  readonly tokens: number;
  /** It ended before `max_tokens` did. */
  readonly stoppedByItself: boolean;
  /** Attempts that ran on the same replica meanwhile, itself included: their mean number. */
  readonly beside: number;
}

/** A duration that is not known exactly. */
export interface Span {
  readonly meanMs: number;
  readonly varianceMs2: number;
}

export interface PaceSnapshot {
  readonly attempts: number;
  readonly prefill: TrendSnapshot;
  readonly decode: TrendSnapshot;
  readonly lengths: LengthsSnapshot;
  readonly freshShare: number;
  readonly sizes: TrendSnapshot;
}

/** Until this many attempts were measured, a pool's pace is assumed, for one or two may have been exceptions. */
const MEASURED_AFTER = 3;
/** Assumed of a pool that nothing is known of: between a small model on a fast GPU and a large one on a CPU. */
const ASSUMED_PREFILL_MS = 100;
const ASSUMED_MS_PER_PROMPT_TOKEN = 0.5;
const ASSUMED_MS_PER_TOKEN = 30;
/** Tokens after which an attempt says as much of the decode pace as any. */
const TELLING_TOKENS = 16;
/** Of the newest in the running mean of what caches hold. */
const NEWEST_SHARE = 0.05;

/**
 * What one pool needs for its work: prefill by tokens of the prompt, decode by tokens generated and by how many run beside it, and
 * how much of what is asked is generated. Learns from each attempt that came to its end, in O(1).
 */
export class PoolPace {
  private attempts = 0;
  private readonly prefill = new Trend();
  private readonly decode = new Trend();
  private readonly lengths = new OutputLengths();
  /** Of a prompt, what engines did not have in their caches. */
  private freshShare = 1;
  /** Tokens asked of attempts: how much they differ from each other. */
  private readonly sizes = new Trend();

  get isMeasured(): boolean {
    return this.attempts >= MEASURED_AFTER;
  }

  observe(measure: AttemptMeasure): void {
    const { promptTokens, cachedShare, askedTokens, prefillMs, decodeMs, tokens, stoppedByItself, beside } = measure;
    this.attempts++;
    if (cachedShare !== undefined) this.freshShare += NEWEST_SHARE * (1 - cachedShare - this.freshShare);
    this.prefill.observe(promptTokens * (1 - (cachedShare ?? 0)), prefillMs);
    // The first token comes with the end of the prefill, so what follows is one less.
    if (tokens > 1) this.decode.observe(beside, decodeMs / (tokens - 1), Math.min(1, tokens / TELLING_TOKENS));
    this.lengths.observe(tokens, stoppedByItself);
    this.sizes.observe(0, askedTokens);
  }

  /** It may be another pace from now on: what is known goes on standing for it, but as an assumption. */
  doubt(): void {
    this.attempts = 0;
  }

  prefillOf(promptTokens: number): Span {
    if (this.prefill.evidence === 0) {
      const meanMs = ASSUMED_PREFILL_MS + ASSUMED_MS_PER_PROMPT_TOKEN * promptTokens;
      return { meanMs, varianceMs2: meanMs * meanMs };
    }
    return { meanMs: this.prefill.at(promptTokens * this.freshShare), varianceMs2: this.prefill.sd ** 2 };
  }

  /** Milliseconds a token with so many on the replica, and how far one attempt is from another. */
  decodePace(beside: number): { readonly msPerToken: number; readonly sd: number; readonly sdOfMean: number } {
    const { decode } = this;
    if (decode.evidence > 0) return { msPerToken: decode.at(beside), sd: decode.sd, sdOfMean: decode.sdOfMean };
    return { msPerToken: ASSUMED_MS_PER_TOKEN, sd: ASSUMED_MS_PER_TOKEN, sdOfMean: ASSUMED_MS_PER_TOKEN };
  }

  lengthLeft(soFar: number, askedTokens: number): LengthOutlook {
    return this.lengths.left(soFar, askedTokens);
  }

  /**
   * Of tasks that ask for so much in the mean, some for more and some for less: half of them a standard deviation above it and half
   * below stand for all, for what is asked beyond where outputs stop makes none of them longer.
   */
  lengthOf(meanAskedTokens: number): LengthOutlook {
    const usual = this.sizes.at(0);
    const apart = usual > 0 ? meanAskedTokens * Math.min(0.9, this.sizes.sd / usual) : 0;
    const [less, more] = [this.lengths.left(0, meanAskedTokens - apart), this.lengths.left(0, meanAskedTokens + apart)];
    return {
      mean: (less.mean + more.mean) / 2,
      variance: (less.variance + more.variance) / 2 + ((more.mean - less.mean) / 2) ** 2,
      doubt: (less.doubt + more.doubt) / 2,
    };
  }

  snapshot(): PaceSnapshot {
    return {
      attempts: this.attempts,
      prefill: this.prefill.snapshot(),
      decode: this.decode.snapshot(),
      lengths: this.lengths.snapshot(),
      freshShare: this.freshShare,
      sizes: this.sizes.snapshot(),
    };
  }

  restore(snapshot: PaceSnapshot): void {
    this.attempts = snapshot.attempts;
    this.prefill.restore(snapshot.prefill);
    this.decode.restore(snapshot.decode);
    this.lengths.restore(snapshot.lengths);
    this.freshShare = snapshot.freshShare;
    this.sizes.restore(snapshot.sizes);
  }
}
