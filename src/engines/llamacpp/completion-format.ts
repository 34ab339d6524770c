import { ServiceError } from '../../errors/service-error';
import type { EngineUsage } from '../engine-adapter.port';
import type { StreamFormat } from '../wire/engine-stream';
import { llamacppError } from './llamacpp-error';

/** One frame of a streamed completion, as far as it is read. */
interface CompletionFrame {
  readonly content?: unknown;
  readonly stop?: unknown;
  readonly stop_type?: unknown;
  readonly model?: unknown;
  readonly tokens_predicted?: unknown;
  readonly tokens_evaluated?: unknown;
  readonly tokens_cached?: unknown;
  readonly timings?: { readonly prompt_ms?: unknown; readonly predicted_ms?: unknown; readonly cache_n?: unknown };
  readonly error?: unknown;
}

/** The native streaming completion: one frame a token, the last with `stop: true` and the server's own counts. */
export const completionFormat: StreamFormat = {
  read(data, into) {
    const frame = frameOf(data);
    if (frame.error !== undefined) throw llamacppError(undefined, frame);
    if (typeof frame.content !== 'string') throw notAFrame();
    // Frames without text tell of progress in the prompt, or of a token whose bytes are not whole yet.
    if (frame.content !== '') into.push({ kind: 'token', text: frame.content.toWellFormed() });
    if (frame.stop === true) into.push({ kind: 'end', usage: usageOf(frame) });
  },
  refusal(status, body) {
    return llamacppError(status, parsed(body));
  },
};

function frameOf(data: string): CompletionFrame {
  const frame = parsed(data);
  if (typeof frame !== 'object' || frame === null) throw notAFrame();
  return frame;
}

function usageOf(frame: CompletionFrame): EngineUsage {
  const { timings = {} } = frame;
  return {
    tokensOut: count(frame.tokens_predicted) ?? 0,
    finishReason: frame.stop_type === 'limit' ? 'length' : 'stop',
    ...optional('tokensIn', count(frame.tokens_evaluated)),
    ...optional('tokensCached', count(timings.cache_n)),
    ...optional('promptMs', duration(timings.prompt_ms)),
    ...optional('decodeMs', duration(timings.predicted_ms)),
    ...optional('model', typeof frame.model === 'string' ? frame.model.slice(0, 256) : undefined),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function duration(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function notAFrame(): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', { engine: 'llamacpp', message: 'The engine sent a frame that is not one of its protocol.' });
}

