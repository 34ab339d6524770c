import { ServiceError } from '../../errors/service-error';
import { itemsOf, lineOf, membersOf, parseJson } from './engine-json';

const REASON_CHARS = 500;
/** A longer text is a page, or nothing that somebody wrote to be read in one line. */
const PLAIN_REASON_CHARS = 1000;
const FIELD_CHARS = 128;
/** Python's servers put the place of a wrong member first. */
const PLACE = /^(body|query)\./;
/** No waiting helps an account that is out of money. */
const OUT_OF_QUOTA = 'insufficient_quota';

/**
 * The error behind a status and what came with it, with the engine's reason where somebody can do something with it.
 *
 * A 5xx is the engine's own failure, and another replica may do better: WORKER_RESET. A missing route or key is a fault of what
 * was bound, not of the request.
 */
export function engineError(engine: string, status: number, body: unknown): ServiceError {
  const reason = reasonOf(body);
  switch (status) {
    case 429:
      if (codeIn(body) === OUT_OF_QUOTA) break;
      return busy(engine, reason);
    case 503:
    case 529: // Of Anthropic's, and those that copy it: overloaded.
      return busy(engine, reason);
    case 401:
    case 403:
      return new ServiceError('ENGINE_PROTOCOL', {
        engine,
        message: 'The engine did not take the key that it was sent, or was sent none.',
      });
    case 404:
    case 405:
    case 408:
      break;
    case 424: // What TGI says when its model server failed.
      return failed(engine, status, reason);
    case 501:
      return invalid(engine, body, reason ?? 'The engine does not support this.');
    default:
      if (status >= 400 && status < 500) return invalid(engine, body, reason ?? 'The engine refused the request.');
      if (status >= 500) return failed(engine, status, reason);
  }
  return new ServiceError('ENGINE_PROTOCOL', { engine, message: answered(status, reason) });
}

function busy(engine: string, reason: string | undefined): ServiceError {
  return new ServiceError('ENGINE_BUSY', { engine, message: reason ?? 'The engine has no room at the moment.' });
}

function failed(engine: string, status: number, reason: string | undefined): ServiceError {
  return new ServiceError('WORKER_RESET', { engine, message: `The engine failed: ${reason ?? `status ${status}`}` });
}

function invalid(engine: string, body: unknown, message: string): ServiceError {
  const error = errorIn(body);
  const field = lineOf(membersOf(error ?? body)['param'], FIELD_CHARS)?.replace(PLACE, '');
  return new ServiceError('INVALID_PARAMS', { engine, message, ...(field !== undefined && { field }) });
}

/** The error that a body or a frame tells of: an object or a text. Some send the member always, and null where there is none. */
export function errorIn(body: unknown): unknown {
  const { error } = membersOf(body);
  return error === null || error === false || error === '' ? undefined : error;
}

/**
 * The status that an error tells of which came without one: SGLang, vLLM and llama.cpp put it into `code`, TGI into
 * `http_status_code`. 500 where it names none.
 */
export function statusIn(body: unknown): number {
  const { code, status, http_status_code: httpStatus } = membersOf(errorIn(body) ?? body);
  const told = [code, httpStatus, status]
    .filter(isScalar)
    .map(Number)
    .find(number => number >= 400 && number < 600);
  return told === undefined ? 500 : Math.trunc(told);
}

function codeIn(body: unknown): unknown {
  const { code, type } = membersOf(errorIn(body) ?? body);
  return typeof code === 'string' ? code : type;
}

/**
 * The engine's reason in what it answered, parsed where that was JSON; undefined when it gives none. The shapes are many:
 * `{"error": {"message"}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}` as a text or a list of faults, a line of text, and an error of
 * an engine behind the engine, which is JSON in a text.
 */
export function reasonOf(body: unknown): string | undefined {
  if (typeof body === 'string') return isPlain(body) ? lineOf(body, REASON_CHARS) : undefined;
  const error = errorIn(body);
  const { message, detail } = membersOf(error === undefined ? body : error);
  for (const text of [error, message, detail]) {
    const line = wrappedReason(text) ?? lineOf(text, REASON_CHARS);
    if (line !== undefined) return line;
  }
  const { msg, loc } = membersOf(itemsOf(detail, 1)[0]);
  const fault = lineOf(msg, REASON_CHARS);
  const place = itemsOf(loc, 8).slice(1).filter(isScalar).join('.');
  return fault === undefined || place === '' ? fault : lineOf(`${place}: ${fault}`, REASON_CHARS);
}

/** A text can be made of it; of an object in JSON not always, for `toString` may be a member of it. */
function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function wrappedReason(text: unknown): string | undefined {
  if (typeof text !== 'string' || !text.startsWith('{')) return undefined;
  const within = membersOf(parseJson(text));
  const { message } = membersOf(errorIn(within) ?? within);
  return lineOf(message, REASON_CHARS);
}

function isPlain(text: string): boolean {
  return text.length <= PLAIN_REASON_CHARS && !/^\s*[<{[]/.test(text);
}

function answered(status: number, reason: string | undefined): string {
  return `The engine answered with status ${status}${reason === undefined ? '' : `: ${reason.replace(/\.$/, '')}`}.`;
}
