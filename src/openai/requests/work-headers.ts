import type { IncomingHttpHeaders } from 'node:http';
import { identifier, idPattern, YEAR_MS } from '../../config/parsers';
import { ServiceError } from '../../errors/service-error';
import { priorities, type Priority } from '../../tasks/task/task';

/** What a client of another API says of its task in headers, for its bodies have no room for it. */
export interface WorkHeaders {
  /** Undefined where no header says it; see {@link wishesOf}. */
  readonly priority?: Priority;
  readonly sessionId?: string;
  readonly poolId?: string;
  readonly deadlineMs: number;
  /** So long it may wait for its start, and for an engine that serves its model; undefined: as long as it lives, for its start alone. */
  readonly maxWaitMs?: number;
}

/** As long as clients of OpenAI's API wait unless they are told otherwise. */
const DEADLINE_DEFAULT_MS = 600_000;

/** @throws ServiceError INVALID_PARAMS naming the header */
export function workHeadersOf(headers: IncomingHttpHeaders): WorkHeaders {
  const sessionId = idIn(headers, 'X-Orchd-Session');
  const poolId = idIn(headers, 'X-Orchd-Pool');
  const priority = priorityIn(headers);
  const maxWaitMs = maxWaitIn(headers);
  return {
    ...(priority !== undefined && { priority }),
    ...(sessionId !== undefined && { sessionId }),
    ...(poolId !== undefined && { poolId }),
    deadlineMs: millisecondsIn(headers, 'X-Orchd-Deadline-Ms', 1) ?? DEADLINE_DEFAULT_MS,
    ...(maxWaitMs !== undefined && { maxWaitMs }),
  };
}

function priorityIn(headers: IncomingHttpHeaders): Priority | undefined {
  const name = 'X-Orchd-Priority';
  const text = valueOf(headers, name);
  const known = priorities.find(priority => priority === text);
  if (text !== undefined && !known) throw invalid(name, priorities.join(' or '));
  return known;
}

/** Not to be queued is to wait for nothing. */
function maxWaitIn(headers: IncomingHttpHeaders): number | undefined {
  const maxWaitMs = millisecondsIn(headers, 'X-Orchd-Max-Wait-Ms', 0);
  const name = 'X-Orchd-Do-Not-Queue';
  const text = valueOf(headers, name);
  if (text !== undefined && text !== 'true' && text !== 'false') throw invalid(name, 'true or false');
  return text === 'true' ? 0 : maxWaitMs;
}

function idIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const text = valueOf(headers, name);
  if (text !== undefined && !idPattern.test(text)) throw invalid(name, identifier.allowed);
  return text;
}

function millisecondsIn(headers: IncomingHttpHeaders, name: string, min: number): number | undefined {
  const text = valueOf(headers, name);
  if (text === undefined) return undefined;
  const ms = /^(?:0|[1-9]\d{0,11})$/.test(text) ? Number(text) : NaN;
  if (!(ms >= min && ms <= YEAR_MS)) throw invalid(name, `an integer from ${min} to ${YEAR_MS}`);
  return ms;
}

function valueOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(',') : value;
}

function invalid(field: string, allowed: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must be ${allowed}` });
}
