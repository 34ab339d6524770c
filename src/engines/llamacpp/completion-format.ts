import { ServiceError } from '../../errors/service-error';
import type { EngineEvent, EngineUsage } from '../engine-adapter.port';
import { errorIn } from '../wire/engine-error';
import { integerOf, lineOf, membersOf, parseJson } from '../wire/engine-json';
import { tokenCount } from '../wire/openai/usage';
import type { StreamFormat } from '../wire/stream-format';
import { progressOf, timesOf } from './figures';
import { llamacppError } from './llamacpp-error';
import { textOfUsualFrame } from './usual-frame';

/** A hundred times the largest frame that was seen, less the prompt. */
const FRAME_CHARS = 1024 * 1024;
/** A control character becomes `\u0000` in JSON. */
const MAX_ESCAPED_CHARS = 6;
const MODEL_NAME_CHARS = 256;

/** One frame of a streamed completion, as far as it is read. */
interface CompletionFrame {
  readonly content?: unknown;
  readonly stop?: unknown;
  readonly stop_type?: unknown;
  readonly model?: unknown;
  readonly tokens_predicted?: unknown;
  readonly tokens_evaluated?: unknown;
  readonly timings?: unknown;
  readonly prompt_progress?: unknown;
  readonly error?: unknown;
  readonly message?: unknown;
}

/** The native streaming completion: one frame a token, the last with `stop: true` and the server's own counts. */
export class CompletionFormat implements StreamFormat {
  readonly maxFrameChars: number;
  private tokens = 0;

  constructor(promptChars: number) {
    // A server that does not know `response_fields` sends the prompt back in its last frame.
    this.maxFrameChars = FRAME_CHARS + MAX_ESCAPED_CHARS * promptChars;
  }

  read(data: string, into: EngineEvent[]): void {
    const text = textOfUsualFrame(data);
    if (text === undefined) return this.readParsed(data, into);
    this.tokens++;
    into.push({ kind: 'token', text: text.toWellFormed() });
  }

  /** The long way, for a frame of any form. */
  readParsed(data: string, into: EngineEvent[]): void {
    const frame = frameOf(data);
    if (!frame) return;
    if (frame.error !== undefined && errorIn(frame)) throw faultOf(frame);
    const { content } = frame;
    if (typeof content !== 'string') throw typeof frame.message === 'string' ? faultOf({ error: frame }) : notAFrame();
    if (content !== '') {
      this.tokens++;
      into.push({ kind: 'token', text: content.toWellFormed() });
    } else if (frame.prompt_progress !== undefined) {
      into.push(...progressOf(frame.prompt_progress));
    } // Otherwise the bytes of a token are not whole yet.
    if (frame.stop === true) into.push({ kind: 'end', usage: this.usageOf(frame) });
  }

  fault(text: string): ServiceError {
    return faultOf({ error: parseJson(text) ?? text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const answer = parseJson(body) ?? body;
    if (status !== 200) return llamacppError(status, answer);
    return errorIn(answer) ? faultOf(answer) : undefined;
  }

  private usageOf(frame: CompletionFrame): EngineUsage {
    const tokensIn = tokenCount(frame.tokens_evaluated);
    const model = lineOf(frame.model, MODEL_NAME_CHARS);
    return {
      tokensOut: tokenCount(frame.tokens_predicted) ?? this.tokens,
      finishReason: frame.stop_type === 'limit' ? 'length' : 'stop',
      ...(tokensIn !== undefined && { tokensIn }),
      ...timesOf(frame.timings),
      ...(model !== undefined && { model }),
    };
  }
}

/** An error that came without a status of its own. */
function faultOf(body: unknown): ServiceError {
  const code = integerOf(membersOf(errorIn(body))['code']) ?? 500;
  return llamacppError(code >= 400 && code < 600 ? code : 500, body);
}

/** Undefined for a frame that holds nothing: some streams begin with `null`. */
function frameOf(data: string): CompletionFrame | undefined {
  const frame = parseJson(data);
  if (typeof frame !== 'object') throw notAFrame();
  return frame ?? undefined;
}

function notAFrame(): ServiceError {
  const message = 'The engine sent a frame that is not one of its protocol.';
  return new ServiceError('ENGINE_PROTOCOL', { engine: 'llamacpp', message });
}
