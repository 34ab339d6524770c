/** How many tokens an output will have, or what is left of it. */
export interface LengthOutlook {
  readonly mean: number;
  readonly variance: number;
  /** Relative standard deviation of the mean itself: what is not known of all outputs together. */
  readonly doubt: number;
}

/** As kept over a restart: for each length class the tokens generated in it and the outputs that stopped in it. */
export type LengthsSnapshot = readonly (readonly [generated: number, stopped: number])[];

/** Lengths 1, 2–3, 4–7, … up to the most that a task may ask for (1,048,576). */
const CLASSES = 21;
/** Outputs that count. */
const MEMORY = 200;
const FADE = 1 - 1 / MEMORY;

/**
 * How long outputs get when nobody cuts them off. Most end at `max_tokens`, so their lengths are known only to be more than that:
 * what is learned is therefore how often an output stops within a length class, for each token generated in it (a life table).
 */
export class OutputLengths {
  private readonly generated = new Float64Array(CLASSES);
  private readonly stopped = new Float64Array(CLASSES);
  private totalGenerated = 0;
  private totalStopped = 0;

  /** @param stoppedByItself false where `max_tokens` ended it */
  observe(tokens: number, stoppedByItself: boolean): void {
    this.totalGenerated = 0;
    this.totalStopped = 0;
    for (let index = 0; index < CLASSES; index++) {
      const within = Math.max(0, Math.min(tokens, endOf(index)) - startOf(index));
      this.generated[index] = FADE * (this.generated[index] ?? 0) + within;
      this.stopped[index] = FADE * (this.stopped[index] ?? 0);
    }
    if (stoppedByItself) {
      const index = classOf(Math.max(0, tokens - 1));
      this.stopped[index] = (this.stopped[index] ?? 0) + 1;
    }
    this.addUp();
  }

  /** What is still to come of an output that has `soFar` tokens and may have `asked`. */
  left(soFar: number, asked: number): LengthOutlook {
    if (this.totalStopped === 0) return this.toTheEnd(Math.max(0, asked - soFar));
    let [at, goesOn, mean, square] = [soFar, 1, 0, 0];
    for (let index = classOf(soFar); index < CLASSES && at < asked && goesOn > 1e-3; index++) {
      const span = Math.min(endOf(index), asked) - at;
      const rate = this.stopRate(index);
      const survives = Math.exp(-rate * span);
      // ∫ S and ∫ 2·t·S over this class; with next to no stops in it, S stays as it is.
      const isFlat = rate * span < 1e-6;
      const area = isFlat ? span : (1 - survives) / rate;
      const moment = isFlat ? (span * span) / 2 : (area - span * survives) / rate;
      const before = at - soFar;
      mean += goesOn * area;
      square += goesOn * 2 * (before * area + moment);
      goesOn *= survives;
      at += span;
    }
    // The more of them stop, the more the mean depends on how often they do.
    const doubt = (1 - mean / Math.max(1, asked - soFar)) / Math.sqrt(this.totalStopped);
    return { mean, variance: Math.max(0, square - mean * mean), doubt };
  }

  snapshot(): LengthsSnapshot {
    return Array.from(this.generated, (generated, index) => [generated, this.stopped[index] ?? 0] as const);
  }

  restore(snapshot: LengthsSnapshot): void {
    for (const [index, [generated, stopped]] of snapshot.slice(0, CLASSES).entries()) {
      this.generated[index] = generated;
      this.stopped[index] = stopped;
    }
    this.addUp();
  }

  /** None has stopped by itself yet; the next ones might. */
  private toTheEnd(tokens: number): LengthOutlook {
    const doubt = this.totalGenerated > 0 ? Math.min(0.5, tokens / (2 * this.totalGenerated)) : 0.5;
    return { mean: tokens, variance: 0, doubt };
  }

  private addUp(): void {
    this.totalGenerated = this.generated.reduce((sum, one) => sum + one, 0);
    this.totalStopped = this.stopped.reduce((sum, one) => sum + one, 0);
  }

  /** Stops a token. A class in which little was generated is taken to be as all of them together. */
  private stopRate(index: number): number {
    const overall = this.totalStopped / this.totalGenerated;
    const borrowed = endOf(index) - startOf(index);
    return ((this.stopped[index] ?? 0) + overall * borrowed) / ((this.generated[index] ?? 0) + borrowed);
  }
}

/** Class 0 holds the first token, class n the 2^n tokens after 2^n − 1. */
function startOf(index: number): number {
  return 2 ** index - 1;
}

function endOf(index: number): number {
  return 2 ** (index + 1) - 1;
}

/** Of the token that comes after so many. */
function classOf(tokens: number): number {
  return Math.min(CLASSES - 1, 31 - Math.clz32(tokens + 1));
}
