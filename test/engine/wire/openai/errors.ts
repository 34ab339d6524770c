import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError, type HeaderList } from '../../wire-error';

const FAILED = 'The server had an error while processing your request. Sorry about that!';
const OVERLOADED = 'The server is currently overloaded with other requests. Sorry about that!';

function error(
  status: number,
  type: string,
  code: string | null,
  message: string,
  param: string | null = null,
  headers: HeaderList = [],
): WireError {
  return new WireError(status, { error: { message, type, param, code } }, { headers });
}

const invalid = (code: string | null, message: string, param: string | null) =>
  error(400, 'invalid_request_error', code, message, param);

export const openaiErrors = {
  noKey: () =>
    error(
      401,
      'invalid_request_error',
      null,
      "You didn't provide an API key. Provide it in an Authorization header using Bearer auth.",
    ),
  wrongKey: () => error(401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'),
  unknownModel: (name: string) =>
    error(
      404,
      'invalid_request_error',
      'model_not_found',
      `The model \`${name}\` does not exist or you do not have access to it.`,
    ),
  unknownRoute: (method: string, path: string) =>
    error(
      404,
      'invalid_request_error',
      'unknown_url',
      `Unknown request URL: ${method} ${path}. Please check the URL for typos.`,
    ),
  badJson: () =>
    invalid(
      null,
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly.)',
      null,
    ),
  invalid,
  missing: (param: string) => invalid('missing_required_parameter', `Missing required parameter: '${param}'.`, param),
  overloaded: () => error(503, 'server_error', null, OVERLOADED),
  failed: () => error(500, 'server_error', null, FAILED),
} as const;

/** @param limit requests that may be made in the time that the headers tell */
function rateLimited(limit: number): WireError {
  const message = `Rate limit reached for requests per min (RPM): Limit ${limit}, Used ${limit}, Requested 1. Please try again in 1s.`;
  return error(429, 'requests', 'rate_limit_exceeded', message, null, [
    ['retry-after', '1'],
    ['retry-after-ms', '1000'],
  ]);
}

const shared = {
  unavailable: () => openaiErrors.overloaded(),
  full: () => rateLimited(500),
  tooMany: () => rateLimited(500),
  bad: (message: string) => invalid(null, message, null),
  tooLong: (promptTokens: number, ctxTokens: number) =>
    invalid(
      'context_length_exceeded',
      `This model's maximum context length is ${ctxTokens} tokens. However, your messages resulted in ${promptTokens} tokens. ` +
        'Please reduce the length of the messages.',
      'messages',
    ),
  failed: () => openaiErrors.failed(),
  failedLate: () => [frame(openaiErrors.failed().body)],
} as const;

export const chatRefusals: Refusals = {
  ...shared,
  brokenFrame:
    'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" bro\n\n',
  hugeFrame: [
    'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","created":0,"model":"tiny","choices":[{"index":0,"delta":{"content":"',
    '"},"finish_reason":null}]}\n\n',
  ],
};

export const textRefusals: Refusals = {
  ...shared,
  brokenFrame: 'data: {"id":"cmpl-x","object":"text_completion","choices":[{"text":" bro\n\n',
  hugeFrame: [
    'data: {"id":"cmpl-x","object":"text_completion","created":0,"choices":[{"text":"',
    '","index":0,"logprobs":null,"finish_reason":null}],"model":"tiny"}\n\n',
  ],
};
