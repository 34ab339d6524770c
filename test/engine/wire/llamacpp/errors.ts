import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';

type ErrorType = 'invalid_request_error' | 'server_error' | 'not_supported_error' | 'exceed_context_size_error';

const TOO_LONG = 'the request exceeds the available context size, try increasing it';

/** An error that a route gives. */
function fromRoute(code: number, type: ErrorType, message: string, more: object = {}): WireError {
  return new WireError(code, { error: { code, message, type, ...more } });
}

/** An error that the server gives before any route; its members stand in another order. */
function fromServer(code: number, type: string, message: string): WireError {
  return new WireError(code, { error: { message, type, code } });
}

export const wireErrors = {
  notFound: () => fromServer(404, 'not_found_error', 'File Not Found'),
  loading: () => fromServer(503, 'unavailable_error', 'Loading model'),
  invalidKey: () => fromServer(401, 'authentication_error', 'Invalid API Key'),
  invalid: (message: string) => fromRoute(400, 'invalid_request_error', message),
  badPrompt: () =>
    wireErrors.invalid(
      '"prompt" elements must be a string, a list of tokens, a JSON object containing a prompt string, or a list of mixed strings & tokens.',
    ),
  tooLong: (promptTokens: number, ctxTokens: number) =>
    fromRoute(
      400,
      'exceed_context_size_error',
      `request (${promptTokens} tokens) exceeds the available context size (${ctxTokens} tokens), try increasing it`,
      { n_prompt_tokens: promptTokens, n_ctx: ctxTokens },
    ),
  /** As older versions word it: the type tells, the code does not. */
  tooLongAsFailure: () => fromRoute(500, 'exceed_context_size_error', TOO_LONG),
  badJson: (text: string) =>
    fromRoute(
      500,
      'server_error',
      `[json.exception.parse_error.101] parse error at line 1, column ${text.length + 1}: syntax error while parsing value - ` +
        "unexpected end of input; expected '[', '{', or a literal",
    ),
  unsupported: (message: string) => fromRoute(501, 'not_supported_error', message),
  tooManyRequests: () =>
    new WireError(
      429,
      { error: { code: 429, message: 'Too many requests', type: 'rate_limit_error' } },
      { headers: [['Retry-After', '1']] },
    ),
  internal: (message: string) => fromRoute(500, 'server_error', message),
} as const;

/** As the native API and OpenAI's routes both word them. */
const shared = {
  unavailable: () => wireErrors.loading(),
  // llama.cpp has no such bound: its queue takes everybody.
  full: () => wireErrors.loading(),
  tooMany: () => wireErrors.tooManyRequests(),
  bad: (message: string) => wireErrors.invalid(message),
  tooLong: (promptTokens: number, ctxTokens: number) => wireErrors.tooLong(promptTokens, ctxTokens),
  tooLongOld: () => wireErrors.tooLongAsFailure(),
  keepAlive: ':\n\n',
  failed: () => wireErrors.internal('Context size has been exceeded.'),
  failedLate: () => [frame(wireErrors.internal('Context size has been exceeded.').body)],
  // Until autumn 2025 it came as an SSE field of its own.
  failedLateOld: () => {
    const { error } = wireErrors.tooLongAsFailure().body as { error: object };
    return [`error: ${JSON.stringify(error)}\n\n`];
  },
} as const;

export const nativeRefusals: Refusals = {
  ...shared,
  brokenFrame: 'data: {"index":0,"content":" bro\n\n',
  hugeFrame: ['data: {"index":0,"content":"', '","tokens":[],"stop":false}\n\n'],
};

export const openaiRefusals: Refusals = {
  ...shared,
  brokenFrame: 'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" bro\n\n',
  hugeFrame: ['data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"', '"}}]}\n\n'],
};
