import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';

const BUSY = 'server busy, please try again.  maximum pending requests exceeded';
const RUNNER_GONE = 'an error was encountered while running the model: unexpected EOF';

/** One API's way to put an error: Ollama's own, or OpenAI's. */
export interface OllamaErrors {
  bad(message: string): WireError;
  notFound(message: string): WireError;
  unsupported(message: string): WireError;
  busy(): WireError;
  failed(message: string): WireError;
}

export const nativeErrors: OllamaErrors = {
  bad: message => new WireError(400, { error: message }),
  notFound: message => new WireError(404, { error: message }),
  unsupported: message => new WireError(501, { error: message }),
  busy: () => new WireError(503, { error: BUSY }),
  failed: message => new WireError(500, { error: message }),
};

const openaiError = (status: number, type: string, message: string, param: string | null = null) =>
  new WireError(status, { error: { message, type, param, code: null } }, { contentType: 'application/json' });

export const openaiErrors: OllamaErrors = {
  bad: message => openaiError(400, 'invalid_request_error', message),
  notFound: message => openaiError(404, 'not_found_error', message),
  unsupported: message => openaiError(501, 'api_error', message),
  busy: () => openaiError(503, 'api_error', BUSY),
  failed: message => openaiError(500, 'api_error', message),
};

/** What the runner, a llama.cpp server, said: passed on as text. */
function tooLongText(promptTokens: number, ctxTokens: number): string {
  const message = `request (${promptTokens} tokens) exceeds the available context size (${ctxTokens} tokens), try increasing it`;
  const error = {
    code: 400,
    message,
    type: 'exceed_context_size_error',
    n_prompt_tokens: promptTokens,
    n_ctx: ctxTokens,
  };
  return JSON.stringify({ error });
}

/** Before the first token an error of a stream keeps its status; it comes as the only line. */
function asLine(error: WireError, stream: boolean): WireError {
  return stream
    ? new WireError(error.status, '', { contentType: 'application/json', frames: [JSON.stringify(error.body)] })
    : error;
}

function refusalsOf(
  errors: OllamaErrors,
): Pick<Refusals, 'unavailable' | 'full' | 'tooMany' | 'bad' | 'failed' | 'tooLong'> {
  const { body } = errors.busy();
  return {
    unavailable: () => errors.busy(),
    full: () => errors.busy(),
    // Ollama itself never says it; what stands before it does.
    tooMany: () => new WireError(429, body, { headers: [['Retry-After', '1']] }),
    bad: message => errors.bad(message),
    failed: () => errors.failed(RUNNER_GONE),
    tooLong: (promptTokens, ctxTokens) => errors.bad(tooLongText(promptTokens, ctxTokens)),
  };
}

const native = refusalsOf(nativeErrors);
const nativeLines = {
  ...native,
  failed: (stream: boolean) => asLine(native.failed(false), stream),
  tooLong: (promptTokens: number, ctxTokens: number, stream: boolean) =>
    asLine(native.tooLong(promptTokens, ctxTokens, false), stream),
  failedLate: () => [`${JSON.stringify({ error: RUNNER_GONE })}\n`],
};

export const generateRefusals: Refusals = {
  ...nativeLines,
  brokenFrame: '{"model":"tiny","response":" bro\n',
  hugeFrame: ['{"model":"tiny","created_at":"2026-01-01T00:00:00Z","response":"', '","done":false}\n'],
};

export const chatRefusals: Refusals = {
  ...nativeLines,
  brokenFrame: '{"model":"tiny","message":{"role":"assistant","content":" bro\n',
  hugeFrame: [
    '{"model":"tiny","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"',
    '"},"done":false}\n',
  ],
};

/** The error is no error here: one more chunk, of nothing by nobody, and a clean end without `[DONE]`. */
export function openaiRefusals(emptyChunk: () => object): Refusals {
  return {
    ...refusalsOf(openaiErrors),
    failedLate: () => [frame(emptyChunk())],
    brokenFrame:
      'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" bro\n\n',
    hugeFrame: [
      'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"',
      '"},"finish_reason":null}]}\n\n',
    ],
  };
}
