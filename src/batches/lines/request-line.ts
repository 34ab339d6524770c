import { faultOfObjects } from '../../http/bodies/json-body';
import type { Members } from '../../json/members';

/** Requests of one batch are for one of them. */
export const batchEndpoints = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses'] as const;
export type BatchEndpoint = (typeof batchEndpoints)[number];

const CUSTOM_ID_MAX_CHARS = 512;

/** What a line of a batch asks for. */
export interface RequestLine {
  readonly customId: string;
  readonly body: Members;
}

/** What is wrong with a line, in the form of OpenAI's API. */
export interface LineFault {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}

/** Reads one line. Its time goes with its length; what of JSON takes long is bounded as in any body. */
export function requestLineOf(bytes: Buffer, endpoint: BatchEndpoint): RequestLine | LineFault {
  const odd = faultOfObjects(bytes);
  if (odd !== undefined) return fault('invalid_json_line', `the line ${odd}`, null);
  const line = parsed(bytes);
  if (line === undefined) return fault('invalid_json_line', 'the line is not valid JSON', null);
  if (!isObject(line)) return fault('invalid_json_line', 'the line must be a JSON object', null);
  const { custom_id: customId, method, url, body } = line;
  if (typeof customId !== 'string' || customId === '' || customId.length > CUSTOM_ID_MAX_CHARS) {
    const message = `custom_id must be a text of 1 to ${CUSTOM_ID_MAX_CHARS} characters`;
    return fault('invalid_custom_id', message, 'custom_id');
  }
  if (method !== 'POST') return fault('invalid_method', 'method must be POST', 'method');
  if (url !== endpoint) return fault('invalid_url', `url must be ${endpoint}, the endpoint of the batch`, 'url');
  if (!isObject(body)) return fault('invalid_request', 'body must be a JSON object', 'body');
  return { customId, body };
}

export function isFault(line: RequestLine | LineFault): line is LineFault {
  return 'code' in line;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(code: string, message: string, param: string | null): LineFault {
  return { code, message, param };
}
