import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';
import { NO_VARY } from './http';
import { DONE } from '../openai/chat-format';

const ENGINE_FAILED = 'EngineCore encountered an issue. See stack trace (above) for the root cause.';
const BUSY =
  'The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.';

function error(status: number, type: string, message: string, param: string | null = null): WireError {
  return new WireError(status, { error: { message, type, param, code: status } });
}

/** vLLM's own checks name their type otherwise than what stands before them. */
export const vllmErrors = {
  notFound: () => new WireError(404, { detail: 'Not Found' }),
  wrongMethod: (allow: string) => new WireError(405, { detail: 'Method Not Allowed' }, { headers: [['allow', allow]] }),
  unauthorized: () => new WireError(401, { error: 'Unauthorized' }, { headers: [[NO_VARY, '']] }),
  bad: (message: string, param: string | null = null) => error(400, 'BadRequestError', message, param),
  /** @param value as it is quoted behind the message */
  badValue: (param: string, message: string, value?: string) =>
    error(
      400,
      'BadRequestError',
      `${message} (parameter=${param}${value === undefined ? '' : `, value=${value}`})`,
      param,
    ),
  invalid: (detail: string, param: string | null) =>
    error(400, 'Bad Request', `1 validation error:\n  ${detail}`, param),
  unknownModel: (name: string, aliases: readonly string[]) =>
    error(404, 'NotFoundError', `The model \`${name}\` does not exist. Valid aliases: ${aliases.join(', ')}.`, 'model'),
  busy: () => error(503, 'Service Unavailable', BUSY),
  failed: () => error(500, 'InternalServerError', ENGINE_FAILED),
  internal: (message: string) => error(500, 'InternalServerError', message),
} as const;

/** An error in a stream is written by another hand: with spaces. */
const failedLate = `data: {"error": {"message": "${ENGINE_FAILED}", "type": "InternalServerError", "param": null, "code": 500}}\n\n`;

const shared = {
  unavailable: () => vllmErrors.busy(),
  full: () => vllmErrors.busy(),
  // vLLM itself never says it; what stands before it does.
  tooMany: () =>
    new WireError(
      429,
      { error: { message: 'Too many requests', type: 'Too Many Requests', param: null, code: 429 } },
      { headers: [['retry-after', '1']] },
    ),
  bad: (message: string) => vllmErrors.bad(message),
  tooLong: (_: number, ctxTokens: number) =>
    vllmErrors.badValue(
      'input_tokens',
      `This model's maximum context length is ${ctxTokens} tokens. However, your prompt contains at least ${ctxTokens + 1} input ` +
        'tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.',
      String(ctxTokens + 1),
    ),
  failed: () => vllmErrors.failed(),
  failedLate: () => [failedLate, DONE],
  keepAlive: ': keep-alive\n\n',
} as const;

export const chatRefusals: Refusals = {
  ...shared,
  brokenFrame:
    'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" bro\n\n',
  hugeFrame: [
    'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","created":0,"model":"tiny","choices":[{"index":0,"delta":{"content":"',
    '"},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n',
  ],
};

export const textRefusals: Refusals = {
  ...shared,
  brokenFrame: frame('{"id":"cmpl-x","object":"text_completion","choices":[{"index":0,"text":" bro'),
  hugeFrame: [
    'data: {"id":"cmpl-x","object":"text_completion","created":0,"model":"tiny","choices":[{"index":0,"text":"',
    '","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}\n\n',
  ],
};
