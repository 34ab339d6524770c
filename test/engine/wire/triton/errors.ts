import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import { WireError } from '../../wire-error';

const PROCESS_DEAD = "Stub process 'model_0_0' is not healthy.";

/** Always a text, without code or type. */
function error(status: number, message: string): WireError {
  return new WireError(status, { error: message });
}

export const tritonErrors = {
  badJson: (at: number) => error(500, `failed to parse the request JSON buffer: Invalid value. at ${at}`),
  emptyBody: () => error(500, 'failed to parse the request JSON buffer: The document is empty. at 0'),
  notAnObject: () => error(500, 'attempt to get members for non-object'),
  idNoText: () => error(500, "Unable to parse 'id': attempt to access JSON non-string as string"),
  inputNoText: () => error(500, 'Unable to parse JSON bytes array: attempt to access JSON non-string as string'),
  badParameter: (name: string) =>
    error(400, `parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`),
  badShape: () => error(400, "The schema can not convert input 'text_input' to tensor with proper shape"),
  missingInput: (id: string | undefined, model: string) =>
    error(
      400,
      `[request id: ${id ?? '<id_unknown>'}] expected number of inputs between 1 and 3 but got 0 inputs for model '${model}'. ` +
        "Got input(s) [], but missing required input(s) ['text_input']. Please provide all required input(s).",
    ),
  unknownModel: (name: string) => error(404, `Request for unknown model: '${name}' is not found`),
  unknownVersion: (name: string, version: string) =>
    error(404, `Request for unknown model: '${name}' version ${version} is not found`),
  noVersions: (name: string) => error(404, `Request for unknown model: '${name}' has no available versions`),
  loadFailed: (name: string) =>
    error(
      400,
      `load failed for model '${name}': version 1 is at UNAVAILABLE state: Internal: RuntimeError: weights not found;\n`,
    ),
  loadUnknown: (name: string) => error(500, `failed to load '${name}', failed to poll from model repository`),
  queueFull: () => error(503, '[request id: <id_unknown>] Exceeds maximum queue size'),
  notReady: () => new WireError(400, { error: 'Model version not ready' }, { contentType: 'text/plain' }),
  notFound: () => new WireError(404, { error: 'Not Found' }, { contentType: 'text/plain' }),
  wrongMethod: () => error(405, 'Method Not Allowed'),
  decoupledInfer: () => error(501, "doesn't support models with decoupled transaction policy"),
  internal: (message: string) => error(500, message),
} as const;

/** What the model says is 400 whatever it was, in chunks; in a stream that has not begun an event. */
function fromModel(message: string, stream: boolean): WireError {
  const form = stream
    ? { frames: [frame({ error: message })] }
    : { contentType: 'application/json', frames: [JSON.stringify({ error: message })] };
  return new WireError(400, '', form);
}

export const tritonRefusals: Refusals = {
  unavailable: () => tritonErrors.queueFull(),
  full: () => tritonErrors.queueFull(),
  // Triton itself never says it; what stands before it does.
  tooMany: () => new WireError(429, { error: 'Too many requests' }, { headers: [['Retry-After', '1']] }),
  bad: (message, stream) => fromModel(message, stream),
  tooLong: (promptTokens, ctxTokens, stream) =>
    fromModel(`Prompt length (${promptTokens}) exceeds maximum input length (${ctxTokens}).`, stream),
  failed: stream => fromModel(PROCESS_DEAD, stream),
  failedLate: () => [frame({ error: PROCESS_DEAD })],
  brokenFrame: 'data: {"model_name":"tiny","model_version":"1","text_output":" bro\n\n',
  hugeFrame: ['data: {"model_name":"tiny","model_version":"1","text_output":"', '"}\n\n'],
};
