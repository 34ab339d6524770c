/** An answer other than 200, in the form in which llama.cpp words it. */
export class WireError extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(JSON.stringify(body));
  }
}

type ErrorType =
  'invalid_request_error' | 'server_error' | 'not_supported_error' | 'exceed_context_size_error' | 'rate_limit_error';

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
  tooLongAsFailure: () => {
    const error = { code: 500, message: TOO_LONG, type: 'exceed_context_size_error' } as const;
    return { status: error.code, body: { error }, error };
  },
  badJson: (text: string) =>
    fromRoute(
      500,
      'server_error',
      `[json.exception.parse_error.101] parse error at line 1, column ${text.length + 1}: syntax error while parsing value - ` +
        "unexpected end of input; expected '[', '{', or a literal",
    ),
  unsupported: (message: string) => fromRoute(501, 'not_supported_error', message),
  tooManyRequests: () => fromRoute(429, 'rate_limit_error', 'Too many requests'),
  internal: (message: string) => fromRoute(500, 'server_error', message),
} as const;
