import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';
import { DONE } from '../openai/chat-format';

const FULL = 'The request queue is full.';
const FAILED = 'Request running timeout reached.';

/** Flat, with the status as a number; the type varies. */
function flat(status: number, type: string, message: string, param: string | null = null): WireError {
  return new WireError(status, { object: 'error', message, type, param, code: status });
}

export const sglangErrors = {
  bad: (message: string) => flat(400, 'BadRequestError', message),
  invalid: (message: string, param: string | null) => flat(400, 'Bad Request', message, param),
  nativeBad: (message: string) => new WireError(400, { error: { message } }),
  full: () => flat(503, '503', FULL),
  internal: (message: string) => flat(500, 'InternalServerError', message),
  unauthorized: () => new WireError(401, { error: 'Unauthorized' }),
  notFound: () => new WireError(404, { detail: 'Not Found' }),
  wrongMethod: (allow: string) => new WireError(405, { detail: 'Method Not Allowed' }, { headers: [['allow', allow]] }),
  unknownModel: (name: string) =>
    new WireError(404, {
      error: {
        message: `The model '${name}' does not exist`,
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_not_found',
      },
    }),
  starting: () => new WireError(503, '', { contentType: '' }),
} as const;

const tooLongText = (promptTokens: number, ctxTokens: number) =>
  `The input (${promptTokens} tokens) is longer than the model's context length (${ctxTokens} tokens).`;

/** In a stream it is nested, and written by another hand: with spaces. */
const streamed = (message: string) =>
  `data: {"error": {"object": "error", "message": "${message}", "type": "SERVICE_UNAVAILABLE", "param": null, "code": 503}}\n\n`;

const tooMany = () =>
  new WireError(
    429,
    { object: 'error', message: 'Too many requests', type: '429', param: null, code: 429 },
    { headers: [['retry-after', '1']] },
  );

/** A full queue is a 503 for a plain request, and an event in a 200 for a stream. */
const openai = {
  unavailable: () => sglangErrors.full(),
  full: (stream: boolean) =>
    stream ? new WireError(200, '', { frames: [streamed(FULL), DONE] }) : sglangErrors.full(),
  // SGLang itself never says it; what stands before it does.
  tooMany,
  bad: (message: string) => sglangErrors.bad(message),
  tooLong: (promptTokens: number, ctxTokens: number) => sglangErrors.bad(tooLongText(promptTokens, ctxTokens)),
  failed: (stream: boolean) =>
    stream ? new WireError(200, '', { frames: [streamed(FAILED), DONE] }) : sglangErrors.internal(FAILED),
  failedLate: () => [streamed(FAILED), DONE],
} as const;

export const chatRefusals: Refusals = {
  ...openai,
  brokenFrame: 'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" bro\n\n',
  hugeFrame: [
    'data: {"id":"x","object":"chat.completion.chunk","created":0,"model":"tiny","choices":[{"index":0,"delta":{"reasoning_content":null,"content":"',
    '"},"logprobs":null,"finish_reason":null,"matched_stop":null}]}\n\n',
  ],
};

export const textRefusals: Refusals = {
  ...openai,
  brokenFrame: 'data: {"id":"x","object":"text_completion","choices":[{"index":0,"text":" bro\n\n',
  hugeFrame: [
    'data: {"id":"x","object":"text_completion","created":0,"model":"tiny","choices":[{"index":0,"text":"',
    '","logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}\n\n',
  ],
};

/** A result of nothing that says why: how natively a request ends before it began. */
export function abortedResult(id: string, why: object): object {
  return {
    text: '',
    output_ids: [],
    meta_info: {
      id,
      finish_reason: { type: 'abort', ...why },
      weight_version: 'default',
      e2e_latency: 0.003,
      completion_tokens: 0,
      response_sent_to_client_ts: Date.now() / 1000,
    },
  };
}

export function nativeRefusals(id: string): Refusals {
  const late = (message: string, code: number, type: string, retryable: boolean) => [
    frame({ error: { message, type, code, retryable } }),
    DONE,
  ];
  const inStream = (frames: readonly string[]) => new WireError(200, '', { frames });
  return {
    unavailable: () => sglangErrors.full(),
    full: stream => {
      if (!stream) return sglangErrors.full();
      return inStream([frame(abortedResult(id, { status_code: 503, message: FULL })), DONE]);
    },
    tooMany,
    bad: message => sglangErrors.nativeBad(message),
    tooLong: (promptTokens, ctxTokens, stream) => {
      const message = tooLongText(promptTokens, ctxTokens);
      if (!stream) return sglangErrors.nativeBad(message);
      return inStream(late(message, 400, 'invalid_request_error', false));
    },
    failed: stream =>
      stream ? inStream(late(FAILED, 503, 'SERVICE_UNAVAILABLE', true)) : sglangErrors.internal(FAILED),
    failedLate: () => late(FAILED, 503, 'SERVICE_UNAVAILABLE', true),
    brokenFrame: 'data: {"text":" bro\n\n',
    hugeFrame: ['data: {"text":"', '","output_ids":[1],"meta_info":{"id":"x","finish_reason":null}}\n\n'],
  };
}
