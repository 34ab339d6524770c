import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';

const OVERLOADED = 'Model is overloaded';
const FAILED = 'Request failed during generation: Server error: CUDA out of memory';

function error(status: number, type: string, message: string): WireError {
  return new WireError(status, { error: message, error_type: type });
}

export const tgiErrors = {
  validation: (message: string) => error(422, 'validation', `Input validation error: ${message}`),
  overloaded: () => error(429, 'overloaded', OVERLOADED),
  failed: () => error(424, 'generation', FAILED),
  unhealthy: () => error(503, 'healthcheck', 'unhealthy'),
  internal: (message: string) => error(500, 'incomplete_generation', message),
  unauthorized: () => new WireError(401, '', { contentType: '' }),
  notFound: () => new WireError(404, '', { contentType: '' }),
  wrongMethod: (allow: string) => new WireError(405, '', { contentType: '', headers: [['allow', allow]] }),
  noJsonType: () => new WireError(415, 'Expected request with `Content-Type: application/json`'),
  badJson: (column: number) =>
    new WireError(
      400,
      `Failed to parse the request body as JSON: EOF while parsing a value at line 1 column ${column}`,
    ),
} as const;

/** Before any route: text, not JSON. */
export function deserializationError(what: string, column: number): WireError {
  return new WireError(
    422,
    `Failed to deserialize the JSON body into the target type: ${what} at line 1 column ${column}`,
  );
}

/** A stream's status is 200, sent at once: whatever is refused is an event in it. */
function inStream(form: (refusal: WireError) => readonly string[]) {
  return (refusal: WireError, stream: boolean) =>
    stream ? new WireError(200, '', { frames: form(refusal) }) : refusal;
}

function refusalsOf(form: (refusal: WireError) => readonly string[]): Omit<Refusals, 'brokenFrame' | 'hugeFrame'> {
  const as = inStream(form);
  const tooLong = (promptTokens: number, ctxTokens: number) =>
    tgiErrors.validation(`\`inputs\` must have less than ${ctxTokens} tokens. Given: ${promptTokens}`);
  return {
    // The router itself has no such answer to a generation; what stands before it does.
    unavailable: () => tgiErrors.unhealthy(),
    full: stream => as(tgiErrors.overloaded(), stream),
    tooMany: stream => as(tgiErrors.overloaded(), stream),
    bad: (message, stream) => as(tgiErrors.validation(message), stream),
    tooLong: (promptTokens, ctxTokens, stream) => as(tooLong(promptTokens, ctxTokens), stream),
    failed: stream => as(tgiErrors.failed(), stream),
    failedLate: () => form(tgiErrors.failed()),
    keepAlive: ':\n\n',
  };
}

const nativeForm = (refusal: WireError) => [frame(refusal.body)];

/** 422 whatever the cause; `[DONE]` comes after errors, too. */
const openaiForm = (refusal: WireError) => {
  const { error: message } = refusal.body as { error: string };
  return [frame({ error: { message, http_status_code: 422 } }), frame('[DONE]')];
};

export const nativeRefusals: Refusals = {
  ...refusalsOf(nativeForm),
  brokenFrame: 'data: {"index":1,"token":{"id":1,"text":" bro\n\n',
  hugeFrame: [
    'data: {"index":1,"token":{"id":1,"text":"',
    '","logprob":-0.1,"special":false},"generated_text":null,"details":null}\n\n',
  ],
};

export const openaiRefusals: Refusals = {
  ...refusalsOf(openaiForm),
  brokenFrame:
    'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":" bro\n\n',
  hugeFrame: [
    'data: {"object":"chat.completion.chunk","id":"","created":0,"model":"tiny","choices":[{"index":0,"delta":{"role":"assistant","content":"',
    '"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
  ],
};

/** As the route would throw it where the request is a stream. */
export function nativeRefusal(refusal: WireError, stream: boolean): WireError {
  return inStream(nativeForm)(refusal, stream);
}

export function openaiRefusal(refusal: WireError, stream: boolean): WireError {
  return inStream(openaiForm)(refusal, stream);
}
