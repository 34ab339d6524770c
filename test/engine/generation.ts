import { Departure } from './departure';
import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { GenerationRequest } from './generation-request';
import { EndedByFault, Misbehaviour, refusedByFault } from './misbehaviour';
import type { ModelInstance } from './model-instance';
import { Cadence } from './pacer';
import { RunTimes, type RunResult, type RunState } from './run-times';
import { TokenSource } from './token-source';
import { wireErrors } from './wire/errors';
import type { OutputFormat } from './wire/output-format';

/** Tokens of a prompt that are read at once: llama.cpp's `-ub`. */
const BATCH_TOKENS = 64;

/** Answers one request for a generation: waits for a slot, reads the prompt, sends its tokens at the engine's pace. */
export async function serveGeneration(
  core: EngineCore,
  instance: ModelInstance,
  exchange: Exchange,
  request: GenerationRequest,
  format: OutputFormat,
): Promise<void> {
  if (refusedByFault(core, exchange)) return core.ledger.count('faulted');
  const { ctxTokens } = core.settings;
  if (request.promptTokens >= ctxTokens) throw wireErrors.tooLong(request.promptTokens, ctxTokens);
  const departure = new Departure(core, exchange.signal);
  const signal = AbortSignal.any([departure.signal, instance.closed]);
  try {
    const lease = await instance.pool.acquire(request, signal);
    try {
      core.ledger.count('started');
      await new Generation(core, instance, exchange, departure, format, signal, lease.slot, request).run();
    } finally {
      lease.release();
    }
    core.ledger.count('finished');
  } catch (error) {
    if (error instanceof EndedByFault) return core.ledger.count('faulted');
    if (!signal.aborted) throw error;
    // An unloaded model takes its connections with it, as its process would.
    exchange.destroy();
    core.ledger.count('aborted');
  }
}

class Generation {
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
  ) {
    const source = new TokenSource(request, core.settings.vocabulary, core.settings.ctxTokens);
    this.state = { request, source, slot, model: instance.model, times: new RunTimes(core.settings.cachedTokens) };
    this.misbehaviour = new Misbehaviour(core, exchange, signal, request.stream);
  }

  async run(): Promise<void> {
    await this.readPrompt();
    try {
      await this.sendTokens();
    } finally {
      this.instance.countGenerationTime(this.state.times.predictedMs);
    }
    await this.misbehaviour.atEnd();
    this.finish();
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
    if (!this.state.request.stream || !this.state.request.returnProgress) return;
    this.departure.sending();
    this.exchange.stream(this.format.progress(this.state, processedTokens));
  }

  /** The answer's headers leave with the first output, not before. */
  private async sendTokens(): Promise<void> {
    const { request, source, slot } = this.state;
    const cadence = new Cadence(this.core.pacer, () => this.core.controls.tokensPerSecond, this.signal);
    for (;;) {
      await this.misbehaviour.after(source.produced);
      if (source.ending) return;
      const due = await cadence.due(this.misbehaviour.tokensUntilNext(source.produced));
      const frames = this.draw(due);
      slot.decoded = source.produced;
      this.instance.countTokens(frames.length, request.promptTokens + source.produced);
      this.core.ledger.countTokens(frames.length);
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
    while (frames.length < most) {
      const token = source.next();
      if (!token) break;
      slot.hasNewLine ||= token.text.includes('\n');
      frames.push(request.stream ? this.format.token(this.state, token) : '');
    }
    return frames;
  }

  private finish(): void {
    const { ending } = this.state.source;
    if (!ending) throw new Error('a generation finished without an ending');
    const result: RunResult = { ...this.state, ending };
    if (!this.state.request.stream) return this.exchange.sendJson(200, this.format.plain(result));
    this.exchange.stream(this.format.end(result));
    this.exchange.endStream();
  }
}
