import { ServiceError } from '../../errors/service-error';
import type { EngineEvent, EngineUsage, Operation } from '../engine-adapter.port';
import { durationMsOf, integerOf, itemsOf, lineOf, membersOf, parseJson } from '../wire/engine-json';
import { errorIn, statusIn } from '../wire/engine-error';
import { memberSpans } from '../wire/json-members';
import { legacyLogprobs } from '../wire/openai/logprobs';
import { ChoiceReader } from '../wire/openai/choice-reader';
import { Finish } from '../wire/openai/finish';
import { tokenCount } from '../wire/openai/usage';
import { base64Of } from '../wire/openai/vectors';
import type { StreamFormat } from '../wire/stream-format';
import { ollamaError } from './ollama-error';

/** The last line of a completion holds the whole context as numbers. */
const FRAME_CHARS = 4 * 1024 * 1024;
const EMBEDDINGS_CHARS = 32 * 1024 * 1024;
const MODEL_NAME_CHARS = 256;
const MAX_CALLS = 1024;
const NS_PER_MS = 1e6;
const engine = 'ollama';

/** A line of `/api/generate` or `/api/chat`, as far as it is read. */
interface Line {
  readonly model?: unknown;
  readonly response?: unknown;
  readonly thinking?: unknown;
  readonly message?: unknown;
  readonly logprobs?: unknown;
  readonly done?: unknown;
  readonly done_reason?: unknown;
  readonly [figure: string]: unknown;
}

/** Ollama's streams: a line of JSON for each token, the last with `done: true`. Tool calls come whole, with or before that one. */
class OllamaFormat implements StreamFormat {
  readonly framing = 'ndjson';
  readonly maxFrameChars = FRAME_CHARS;
  private readonly reader: ChoiceReader;

  constructor(private readonly operation: 'chat' | 'completion') {
    this.reader = new ChoiceReader(operation, true, logprobs =>
      operation === 'chat' ? { content: logprobs } : legacyLogprobs(logprobs),
    );
  }

  read(data: string, into: EngineEvent[]): void {
    const line = parseJson(data) as Line | undefined;
    if (typeof line !== 'object' || line === null || Array.isArray(line)) throw notALine();
    if (errorIn(line) !== undefined) throw ollamaError(statusIn(line), line);
    if (typeof line.done !== 'boolean') throw notALine();
    this.reader.read([this.choiceOf(line)], into);
    if (line.done) into.push({ kind: 'end', usage: this.usageOf(line) });
  }

  fault(text: string): ServiceError {
    return ollamaError(500, { error: text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const answer = parseJson(body) ?? body;
    if (status !== 200) return ollamaError(status, answer);
    return errorIn(answer) === undefined ? undefined : ollamaError(statusIn(answer), answer);
  }

  /** A choice as OpenAI's API has it. */
  private choiceOf({ response, thinking, message, logprobs }: Line): object {
    const { content, thinking: thought, tool_calls: calls } = membersOf(message);
    const delta = {
      content: content ?? response,
      reasoning: thought,
      tool_calls: itemsOf(calls, MAX_CALLS).map((call, at) => callOf(membersOf(call), at)),
    };
    const said =
      this.operation === 'chat'
        ? { delta }
        : { text: response, ...(thinking !== undefined && thinking !== '' && { reasoning_content: thinking }) };
    return { index: 0, ...said, ...(logprobs !== undefined && { logprobs }) };
  }

  private usageOf(line: Line): EngineUsage {
    const finish = new Finish();
    const raw = typeof line.done_reason === 'string' && line.done_reason !== '' ? line.done_reason : 'stop';
    // The model's last word is a call: Ollama has no other name for that end than for any other.
    finish.take(raw === 'stop' && this.reader.calledTools ? 'tool_calls' : raw);
    const tokensIn = tokenCount(line['prompt_eval_count']);
    const promptMs = msOf(line['prompt_eval_duration']);
    const decodeMs = msOf(line['eval_duration']);
    const model = lineOf(line.model, MODEL_NAME_CHARS);
    return {
      tokensOut: tokenCount(line['eval_count']) ?? this.reader.tokens,
      ...finish.usage('stop'),
      ...(tokensIn !== undefined && { tokensIn }),
      ...(promptMs !== undefined && { promptMs }),
      ...(decodeMs !== undefined && { decodeMs }),
      ...(model !== undefined && { model }),
    };
  }
}

/** The answer of `/api/embed`, in OpenAI's form. */
class OllamaEmbeddingFormat implements StreamFormat {
  readonly framing = 'json';
  readonly maxFrameChars = EMBEDDINGS_CHARS;

  constructor(private readonly inBase64: boolean) {}

  read(data: string, into: EngineEvent[]): void {
    const answer = membersOf(embeddingsIn(data));
    if (errorIn(answer) !== undefined) throw ollamaError(statusIn(answer), answer);
    const { embeddings, prompt_eval_count: count, model: name } = answer;
    if (!Array.isArray(embeddings)) throw notALine();
    const list = embeddings.map((vector: unknown, index) => {
      if (!Array.isArray(vector)) throw notALine();
      return {
        object: 'embedding',
        index,
        embedding: this.inBase64 ? base64Of(vector) : (vector as unknown[]),
      };
    });
    const tokensIn = tokenCount(count);
    const model = lineOf(name, MODEL_NAME_CHARS);
    into.push(
      { kind: 'result', data: JSON.stringify({ object: 'list', data: list }) },
      {
        kind: 'end',
        usage: {
          tokensOut: 0,
          finishReason: 'stop',
          ...(tokensIn !== undefined && { tokensIn }),
          ...(model !== undefined && { model }),
        },
      },
    );
  }

  fault(text: string): ServiceError {
    return ollamaError(500, { error: text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    return status === 200 ? undefined : ollamaError(status, parseJson(body) ?? body);
  }
}

export function formatOf(operation: Operation, inBase64: boolean): StreamFormat {
  return operation === 'chat' || operation === 'completion'
    ? new OllamaFormat(operation)
    : new OllamaEmbeddingFormat(inBase64);
}

/** Numbers by the thousand, in two layers of lists and no more: so its shape is looked at, not its length. */
function embeddingsIn(text: string): unknown {
  return memberSpans(text) ? (JSON.parse(text) as unknown) : undefined;
}

function callOf(call: Readonly<Record<string, unknown>>, at: number): object {
  const { index, name, arguments: given } = membersOf(call['function']);
  // Before late 2026 every call had the index 0.
  return { index: integerOf(index) ?? at, id: call['id'], function: { name, arguments: given ?? {} } };
}

function msOf(nanoseconds: unknown): number | undefined {
  const value = durationMsOf(nanoseconds);
  return value === undefined ? undefined : value / NS_PER_MS;
}

function notALine(): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', {
    engine,
    message: 'The engine sent a line that is not one of its protocol.',
  });
}
