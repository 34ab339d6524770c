import type { Observable } from 'rxjs';
import type { OperationTable } from './operation-table';

/** Where one engine process is reached, and the name it goes by. */
export interface EngineTarget {
  readonly url: string;
  readonly poolId: string;
  readonly replicaId: string;
  /** Where its key is read, see {@link EngineKeys}; undefined: it wants none. Never the key itself. */
  readonly apiKeyFile?: string;
}

export const operations = ['completion', 'chat', 'embedding', 'rerank'] as const;
/** What is to be done with a {@link Work}'s body. */
export type Operation = (typeof operations)[number];

/** Whether it puts out text: in a stream, in tokens that are bounded and billed. Everything else comes whole. */
export function isText(operation: Operation): boolean {
  return operation === 'chat' || operation === 'completion';
}

/** What a task wants done. */
export interface Work {
  readonly operation: Operation;
  /**
   * The request as OpenAI's API has it for the operation (`prompt` and `max_tokens`, `messages` and `tools`, `input`; for `rerank`, which
   * it does not have, Jina's `query` and `documents`), and beside that whatever else the engine may know. Without `model`, `stream` and
   * `stream_options`: an adapter sets these. A member that is undefined is not there.
   */
  readonly body: Readonly<Record<string, unknown>>;
}

/** One run of a task on an engine. */
export interface EngineRequest {
  readonly taskId: string;
  /** Sent on as `X-Correlation-Id`. */
  readonly correlationId: string;
  /** The model by its {@link EngineModel.id}; undefined where the engine declares none. */
  readonly model?: string;
  readonly work: Work;
  /** For engines that order what they have by themselves; undefined: as any other. */
  readonly priority?: 'interactive' | 'batch';
  /** Silence from the request on, before the first token, after which the run fails with DECODE_TIMEOUT. */
  readonly firstTokenTimeoutMs: number;
  /** The same between two chunks, once the first token came. */
  readonly idleTimeoutMs: number;
}

/**
 * Why a run stopped: `stop` (end of text or a stop word), `length` (max_tokens, or the context is full), `tool_calls` (the model
 * calls tools), `content_filter`. With several choices the first of `length`, `tool_calls`, `content_filter`, `stop` that one of them has.
 */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export interface EngineUsage {
  /** Prompt tokens, where the engine counts them. */
  readonly tokensIn?: number;
  /** Prompt tokens that the engine had in its cache. */
  readonly tokensCached?: number;
  /** Generated tokens by the engine's own count. It can exceed the number of token events. */
  readonly tokensOut: number;
  /** Of those, the ones spent on reasoning, where the engine tells. */
  readonly tokensReasoning?: number;
  readonly promptMs?: number;
  readonly decodeMs?: number;
  readonly finishReason: FinishReason;
  /** The engine's own word for it, where that is another. */
  readonly rawFinishReason?: string;
  /** The model as the engine names it. */
  readonly model?: string;
}

export type EngineEvent =
  /** Plain text of the only choice: the cheap way. */
  | { readonly kind: 'token'; readonly text: string }
  /**
   * Output that is more than plain text, or of one of several choices: tool calls, reasoning, logprobs. `data` is JSON on one line, the
   * `choices` of a chunk as OpenAI's API has it for the operation: reasoning as `reasoning_content`, and whatever else an engine puts
   * into a choice. A choice's `finish_reason` stands in it where there are several; that of an only choice is null, and told by `end`.
   * One that holds no more than a role is left out: renderings say it by themselves. `tokens`: how many of the model it stands for, as
   * far as the engine tells; else 1, and 0 for what is no output (a stop string that was found, the end of one of several choices).
   */
  | { readonly kind: 'delta'; readonly data: string; readonly tokens: number }
  /** All of the output at once: embeddings, ranks. `data` is JSON, the answer as OpenAI's API (Jina's for `rerank`) has it, less `model` and `usage`. */
  | { readonly kind: 'result'; readonly data: string }
  /** So much of the prompt was read; no output, but a sign of life. */
  | { readonly kind: 'progress'; readonly processedTokens: number; readonly totalTokens: number }
  | { readonly kind: 'end'; readonly usage: EngineUsage };

/** A model as an engine declares it. */
export interface EngineModel {
  /** The name that the engine takes for it in requests, and that it is shown under. */
  readonly id: string;
  /** What else it goes by: its aliases, its file. */
  readonly names?: readonly string[];
  /** `unloaded` is loaded by the first request that names it, where the engine has the feature `model-loading`. */
  readonly state: 'loaded' | 'loading' | 'unloaded' | 'failed';
  /** Context of one slot in tokens; undefined where that is not known before it is loaded. */
  readonly ctxMax?: number;
  /** Why it `failed`: a sentence. */
  readonly reason?: string;
}

/**
 * What an engine says of itself. `loading`, `busy` and `unreachable` are answers, not exceptions. `busy`: it is there and too much at
 * work to say more; what it said last holds, but for slots, of which it has none to give.
 */
export interface EngineProbe {
  readonly state: 'ready' | 'loading' | 'busy' | 'unreachable';
  /** Why it is not ready, in words for the log and for `last_error`; no address, no stack. */
  readonly reason?: string;
  readonly engineVersion?: string;
  readonly slotsTotal?: number;
  /** Slots the engine reports busy, whoever uses them; undefined: it does not tell, or see {@link slotsUnasked}. */
  readonly slotsBusy?: number;
  /** It was not asked for them this time, and what it said last holds. */
  readonly slotsUnasked?: true;
  /** With that, by the word of the node that probes: slots that nobody of ours had when it was asked last. */
  readonly slotsElsewhere?: number;
  /** It gave its model's memory back, and loads it again for the next request; undefined: it never does. */
  readonly sleeping?: boolean;
  readonly ctxMax?: number;
  /** Models it declares. A ready engine that says nothing here has none that a task could name. */
  readonly models?: readonly EngineModel[];
  /** The id of the model that runs a task which names none; undefined where none is loaded. */
  readonly loadedModel?: string;
  readonly supportedWorkloads?: readonly string[];
  readonly features?: readonly string[];
  /** Requests at work, and requests that wait for room, whoever sent them: of an engine that has no slots. */
  readonly running?: number;
  readonly waiting?: number;
  /** 0 to 1, where the engine reports it. */
  readonly kvUsageRatio?: number;
}

/** Whether a probe asks for busy slots too. */
export type SlotQuestion = 'ask' | 'spare';

/** What is asked of a tokenizer, as vLLM has it: `prompt` or `messages` with its options, or `tokens`. */
export interface TokenizerQuestion {
  readonly model?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Tokens {
  readonly ids: readonly number[];
  /** The text of each, where it was asked for (`return_token_strs`). */
  readonly texts?: readonly string[];
}

/** The tokenizer of an engine's model. Both reject with the errors of {@link EngineAdapter.run}. */
export interface Tokenizer {
  tokenize(target: EngineTarget, question: TokenizerQuestion, signal: AbortSignal): Promise<Tokens>;
  detokenize(target: EngineTarget, question: TokenizerQuestion, signal: AbortSignal): Promise<string>;
}

/** What one kind of engine can do. */
export type OperationTables = Readonly<Partial<Record<Operation, OperationTable>>>;

/** The outcome of asking an engine for something it may refuse or be unable to do. */
export type EngineOutcome =
  { readonly ok: true } | { readonly ok: false; readonly unsupported: boolean; readonly reason: string };

/**
 * One kind of engine. A new adapter is one folder beside the others: a class with this shape, listed in `engines.module.ts`.
 *
 * Adapters hold no state of tasks and know nothing of pools, queues or sessions. They translate: a request into the
 * engine's wire, its wire into {@link EngineEvent}s, its failures into codes of the error catalogue.
 */
export abstract class EngineAdapter {
  /** The name tasks and registrations use: `llamacpp`, `deterministic`, … */
  abstract readonly engine: string;

  /**
   * What it can do, and what becomes of each member of a body: the documentation is made from it, and admission may ask it. What is
   * not there it cannot.
   */
  abstract readonly operations: OperationTables;

  /** Undefined where the engine has no route for it. It takes no slot. */
  readonly tokenizer?: Tokenizer;

  /**
   * Asks the engine how it is. Expected failures are a returned state; when `signal` fires it answers with what it knows by then, or
   * rejects.
   * @param slots `spare`: not by what keeps an engine from falling asleep, or from noticing that a client has gone
   */
  abstract probe(target: EngineTarget, signal: AbortSignal, slots?: SlotQuestion): Promise<EngineProbe>;

  /**
   * Starts a run on subscription and emits one batch for each chunk that the network gave, never an empty one.
   * The last batch ends with `end`; then it completes. It errors only with a {@link ServiceError}:
   * - `INVALID_PARAMS` the engine refused the request itself (4xx); its reason is the message; never retried;
   * - `MODEL_LOAD_FAILED` the model that the request names could not be loaded; the reason is the engine's;
   * - `ENGINE_BUSY` 429 or 503: no room or still loading; the task may wait and come back;
   * - `WORKER_RESET` refused, reset, or ended without its final frame;
   * - `ENGINE_PROTOCOL` an answer that is not the engine's wire (HTML, a line past the bound, broken JSON);
   * - `DECODE_TIMEOUT` silence past `firstTokenTimeoutMs` or `idleTimeoutMs`. What breaks it is output, and progress in the
   *   prompt where the engine tells of it; a comment, or an event that holds nothing, does not.
   * Unsubscribing aborts the engine's request, whatever stage it is in.
   */
  abstract run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]>;

  /** Makes `modelRef` the loaded model; resolves once it serves. The reason of a refusal is the engine's. */
  abstract load(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome>;

  abstract unload(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome>;

  /** Erases the KV cache of all slots, where the engine allows it. */
  abstract eraseSlots(target: EngineTarget, signal: AbortSignal): Promise<EngineOutcome>;
}
