import { ServiceError } from '../../../errors/service-error';
import type { EngineEvent, EngineUsage } from '../../engine-adapter.port';
import { engineError, errorIn, statusIn } from '../engine-error';
import { integerOf, lineOf, membersOf, parseJson } from '../engine-json';
import type { StreamFormat } from '../stream-format';
import { ChoiceReader } from './choice-reader';
import { Finish, isBrokenOff } from './finish';
import { tokenCountsOf, type TokenCounts } from './usage';
import { UsualChunk } from './usual-chunk';

/** Many times the largest chunk that was seen, which is a call with all of its arguments. */
const FRAME_CHARS = 1024 * 1024;
/** A control character becomes `\u0000` in JSON. */
const MAX_ESCAPED_CHARS = 6;
const MODEL_NAME_CHARS = 256;
const MAX_CHOICES = 2048;
const DONE = '[DONE]';

/** What was asked for, as far as it decides how the stream is read. */
export interface ChunkExpectation {
  readonly engine: string;
  readonly operation: 'chat' | 'completion';
  readonly prompts: number;
  /** Choices that the stream is to have: `n` for each prompt. */
  readonly choices: number;
  /** Of a prompt that the engine may send back; 0 where it does not. */
  readonly echoChars: number;
}

/** One chunk of a stream, as far as it is read. */
export interface Chunk {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly model?: unknown;
  readonly error?: unknown;
  readonly [extension: string]: unknown;
}

/**
 * The streams of `/v1/chat/completions` and `/v1/completions`: `data:` chunks, then `data: [DONE]`.
 *
 * The run ends at `[DONE]`, once some choice said why it ended: only then is usage known, and that of several choices complete.
 * A stream that ends by itself before it is whole where every choice has ended; anything else broke off, however cleanly. Without a reason
 * `[DONE]` ends a stream of tool calls, of which some servers say none.
 */
export class ChunkFormat implements StreamFormat {
  readonly maxFrameChars: number;
  private readonly reader: ChoiceReader;
  private readonly usual = new UsualChunk();
  private readonly finish_ = new Finish();
  private readonly ended = new Set<number>();
  private counts: TokenCounts = {};
  private model: string | undefined;

  constructor(protected readonly expected: ChunkExpectation) {
    this.maxFrameChars = FRAME_CHARS + MAX_ESCAPED_CHARS * expected.echoChars;
    this.reader = new ChoiceReader(expected.operation, expected.choices === 1, logprobs => this.logprobsOf(logprobs));
  }

  read(data: string, into: EngineEvent[]): void {
    const text = this.usual.textOf(data);
    if (text !== undefined) this.reader.readText(text, into);
    else if (data === DONE) this.done(into);
    else this.readParsed(data, into);
  }

  /** The long way, for a chunk of any form. */
  readParsed(data: string, into: EngineEvent[]): void {
    const chunk = parseJson(data);
    if (chunk === null) return; // llama.cpp begins so where there are several prompts.
    if (!isChunk(chunk)) throw this.notAChunk();
    if (chunk.error !== undefined && errorIn(chunk) !== undefined) throw this.faultOf(chunk);
    const { choices } = chunk;
    const { length } = into;
    if (Array.isArray(choices)) {
      if (choices.length > 0) this.takeChoices(choices as readonly unknown[], into);
    } else if (chunk['object'] === 'error' || typeof chunk['message'] === 'string') {
      throw this.faultOf(chunk);
    } else if (typeof chunk.usage !== 'object') {
      throw this.notAChunk();
    }
    if (chunk.usage !== undefined && chunk.usage !== null) {
      this.counts = this.added(this.counts, tokenCountsOf(chunk.usage), chunk);
    }
    this.model ??= lineOf(chunk.model, MODEL_NAME_CHARS);
    this.notice(chunk, into);
    if (into.length === length + 1 && isOnlyChoices(chunk)) this.learn(data, into[length] as EngineEvent);
  }

  finish(into: EngineEvent[]): void {
    if (this.ended.size >= this.expected.choices) this.end(into);
  }

  fault(text: string): ServiceError {
    return this.faultOf({ error: parseJson(text) ?? text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const answer = parseJson(body) ?? body;
    if (status !== 200) return this.errorOf(status, answer);
    return errorIn(answer) !== undefined || membersOf(answer)['object'] === 'error' ? this.faultOf(answer) : undefined;
  }

  /** What else a kind of engine says in its chunks. */
  protected notice(_chunk: Chunk, _into: EngineEvent[]): void {}

  /** Usage where more of it comes; most engines tell of all that there was so far. */
  protected added(_before: TokenCounts, now: TokenCounts, _chunk: Chunk): TokenCounts {
    return now;
  }

  /** Logprobs as OpenAI's API has them for the operation. */
  protected logprobsOf(logprobs: unknown): unknown {
    return logprobs;
  }

  /** What a kind of engine knows of a run beyond its tokens. */
  protected figures(): Partial<EngineUsage> {
    return {};
  }

  /** The error behind a status, in the engine's own terms. */
  protected errorOf(status: number, body: unknown): ServiceError {
    return engineError(this.expected.engine, status, body);
  }

  /** From a chunk that has told of its choices and of nothing else. */
  private learn(data: string, event: EngineEvent): void {
    if (event.kind !== 'token') return;
    this.usual.learn(data, event.text, other => this.reader.plainTextOf((parseJson(other) as Chunk).choices));
  }

  private takeChoices(choices: readonly unknown[], into: EngineEvent[]): void {
    for (const item of choices) {
      const choice = membersOf(item);
      const raw = choice['finish_reason'];
      if (typeof raw === 'string' && raw !== '') this.choiceEnds(choice, raw, into);
    }
    this.reader.read(choices, into);
  }

  private choiceEnds(choice: Readonly<Record<string, unknown>>, raw: string, into: EngineEvent[]): void {
    if (isBrokenOff(raw)) {
      this.reader.read([{ ...choice, finish_reason: null }], into);
      throw new ServiceError('WORKER_RESET', {
        engine: this.expected.engine,
        message: 'The engine broke the request off.',
      });
    }
    this.finish_.take(raw);
    if (this.ended.size < MAX_CHOICES) this.ended.add(integerOf(choice['index']) ?? 0);
  }

  private done(into: EngineEvent[]): void {
    if (this.ended.size > 0 || this.reader.calledTools) return this.end(into);
    throw new ServiceError('WORKER_RESET', {
      engine: this.expected.engine,
      message: 'The engine ended its stream without saying why.',
    });
  }

  private end(into: EngineEvent[]): void {
    const { tokensOut, ...counts } = this.counts;
    into.push({
      kind: 'end',
      usage: {
        tokensOut: tokensOut ?? this.reader.tokens,
        ...this.finish_.usage(this.reader.calledTools ? 'tool_calls' : 'stop'),
        ...counts,
        ...this.figures(),
        ...(this.model !== undefined && { model: this.model }),
      },
    });
  }

  /** An error that came without a status of its own. An engine that has begun has had room: SGLang calls it that when its time is up. */
  private faultOf(body: unknown): ServiceError {
    const error = this.errorOf(statusIn(body), body);
    return error.code === 'ENGINE_BUSY' && this.reader.tokens > 0 ? this.errorOf(500, body) : error;
  }

  private notAChunk(): ServiceError {
    const message = 'The engine sent a frame that is not one of its protocol.';
    return new ServiceError('ENGINE_PROTOCOL', { engine: this.expected.engine, message });
  }
}

/** Whatever else a chunk has that is no list and no object is its name, its time and the like, and the same however often it is read. */
function isOnlyChoices(chunk: Chunk): boolean {
  for (const name in chunk) {
    const value = chunk[name];
    if (typeof value === 'object' && value !== null && name !== 'choices') return false;
  }
  return true;
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
