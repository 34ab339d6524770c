import { SlotPool } from './slots';

/** A model that is loaded: its slots and what it has counted. A server has one; a router one for each loaded model. */
export class ModelInstance {
  readonly pool: SlotPool;
  readonly counters = {
    promptTokens: 0,
    promptMs: 0,
    predictedTokens: 0,
    predictedMs: 0,
    decodes: 0,
    longestTokens: 0,
    /** Sum over all decodes of the slots that were busy. */
    busySlotDecodes: 0,
  };
  /** Requests that run or wait, whatever sequences each has. */
  requests = 0;
  private readonly closing = new AbortController();

  constructor(
    readonly model: string,
    slots: number,
    slotsChanged: () => void,
  ) {
    this.pool = new SlotPool(slots, slotsChanged);
  }

  /** Aborted when the model is unloaded: what runs on it ends. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  close(): void {
    this.closing.abort(new Error('the model was unloaded'));
  }

  countPrompt(tokens: number, ms: number): void {
    this.counters.promptTokens += tokens;
    this.counters.promptMs += ms;
  }

  countTokens(tokens: number, sequenceTokens: number): void {
    this.counters.predictedTokens += tokens;
    this.counters.decodes += tokens;
    this.counters.busySlotDecodes += tokens * this.pool.active;
    this.counters.longestTokens = Math.max(this.counters.longestTokens, sequenceTokens);
  }

  countGenerationTime(ms: number): void {
    this.counters.predictedMs += ms;
  }
}
