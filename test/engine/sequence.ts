import type { Departure } from './departure';
import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { GenerationRequest } from './generation-request';
import { Misbehaviour } from './misbehaviour';
import type { ModelInstance } from './model-instance';
import type { OutputFormat } from './output-format';
import { Cadence } from './pacer';
import { RunTimes, type RunResult, type RunState } from './run-times';
import { Speech } from './speech';
import { TokenSource } from './token-source';

/** Tokens of a prompt that are read at once: llama.cpp's `-ub`. */
const BATCH_TOKENS = 64;

/** One sequence of a request, on the slot that it has. */
export class Sequence {
  private readonly state: RunState;
  private readonly misbehaviour: Misbehaviour;

  constructor(
    private readonly core: EngineCore,
    private readonly instance: ModelInstance,
    private readonly exchange: Exchange,
    private readonly departure: Departure,
    private readonly format: OutputFormat,
    private readonly signal: AbortSignal,
    slot: RunState['slot'],
    request: GenerationRequest,
    index: number,
    /** Whether others of the same request run beside it: then they take turns, token by token. */
    private readonly takesTurns: boolean,
  ) {
    const { cachedTokens, ctxTokens, vocabulary } = core.settings;
    const source = new (request.say ? Speech : TokenSource)(request, vocabulary, ctxTokens);
    this.state = { request, index, source, slot, model: instance.model, times: new RunTimes(cachedTokens) };
    this.misbehaviour = new Misbehaviour(core, exchange, signal, format.refusals, request.stream);
  }

  /** Resolves once its last token was sent; a request without a stream sends nothing before all are drawn. */
  async run(): Promise<RunResult> {
    await this.readPrompt();
    try {
      await this.sendTokens();
    } finally {
      this.instance.countGenerationTime(this.state.times.predictedMs);
    }
    await this.misbehaviour.atEnd();
    const { ending } = this.state.source;
    if (!ending) throw new Error('a generation finished without an ending');
    const result = { ...this.state, ending };
    if (this.state.request.stream && this.format.closing) this.exchange.stream(this.format.closing(result));
    return result;
  }

  private async readPrompt(): Promise<void> {
    const { request, times } = this.state;
    const batches = Math.max(1, Math.ceil(request.promptTokens / BATCH_TOKENS));
    await this.misbehaviour.beforePrefill();
    this.tellProgress(0);
    for (let batch = 1; batch <= batches; batch++) {
      const { prefillMs } = this.core.controls;
      if (prefillMs > 0) await this.core.pacer.delay(prefillMs / batches, this.signal);
      if (batch < batches) this.tellProgress(batch * BATCH_TOKENS);
    }
    await this.misbehaviour.inPrefill();
    times.promptDone();
    this.tellProgress(request.promptTokens);
    this.instance.countPrompt(request.promptTokens, times.promptMs);
  }

  private tellProgress(processedTokens: number): void {
    if (!this.state.request.stream || !this.state.request.returnProgress || !this.format.progress) return;
    this.departure.sending();
    this.exchange.stream(this.format.progress(this.state, processedTokens));
  }

  private async sendTokens(): Promise<void> {
    const { request, source, slot } = this.state;
    const cadence = new Cadence(this.core.pacer, () => this.core.controls.tokensPerSecond, this.signal);
    for (;;) {
      await this.misbehaviour.after(source.produced);
      if (source.ending) return;
      const due = await cadence.due(this.takesTurns ? 1 : this.misbehaviour.tokensUntilNext(source.produced));
      const before = source.produced;
      const frames = this.draw(due);
      slot.decoded = source.produced;
      this.instance.countTokens(source.produced - before, request.promptTokens + source.produced);
      this.core.ledger.countTokens(source.produced - before);
      if (request.stream) {
        this.departure.sending();
        this.exchange.stream(frames);
      }
      await this.exchange.drained();
    }
  }

  private draw(most: number): string[] {
    const { request, source, slot } = this.state;
    const frames: string[] = [];
    for (let drawn = 0; drawn < most; drawn++) {
      const token = source.next();
      if (!token) break;
      slot.hasNewLine ||= token.text.includes('\n');
      if (!request.stream) continue;
      const made = this.format.token(this.state, token);
      if (typeof made === 'string') frames.push(made);
      else frames.push(...made);
    }
    return frames;
  }
}
