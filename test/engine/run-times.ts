import type { GenerationRequest } from './generation-request';
import type { Slot } from './slots';
import type { Ending, Source } from './token-source';

/** What one generation has come to: what frames, answers and counters are made of. */
export interface RunState {
  readonly request: GenerationRequest;
  /** Its place among the sequences of the request. */
  readonly index: number;
  readonly source: Source;
  readonly slot: Slot;
  readonly model: string;
  readonly times: RunTimes;
}

/** The end of a generation that got to one. */
export interface RunResult extends RunState {
  readonly ending: Ending;
}

/** The times of one generation, of `performance.now()`. */
export class RunTimes {
  private readonly startedMs = performance.now();
  private promptDoneMs: number | undefined;

  /** @param cachedTokens of the prompt, said to come from the cache */
  constructor(private readonly cachedTokens: number) {}

  promptDone(): void {
    this.promptDoneMs = performance.now();
  }

  get promptMs(): number {
    return (this.promptDoneMs ?? performance.now()) - this.startedMs;
  }

  get predictedMs(): number {
    return this.promptDoneMs === undefined ? 0 : performance.now() - this.promptDoneMs;
  }

  /** The `timings` member as llama.cpp fills it. */
  toWire(promptTokens: number, predicted: number): object {
    const cached = Math.min(this.cachedTokens, promptTokens);
    const read = promptTokens - cached;
    const promptMs = round(this.promptMs);
    const predictedMs = round(this.predictedMs);
    return {
      cache_n: cached,
      prompt_n: read,
      prompt_ms: promptMs,
      prompt_per_token_ms: ratio(promptMs, read),
      prompt_per_second: ratio(read * 1000, promptMs),
      predicted_n: predicted,
      predicted_ms: predictedMs,
      predicted_per_token_ms: ratio(predictedMs, predicted),
      predicted_per_second: ratio(predicted * 1000, predictedMs),
    };
  }
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** To microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
