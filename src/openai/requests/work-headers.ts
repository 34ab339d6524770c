import type { IncomingHttpHeaders } from 'node:http';
import { identifier, idPattern, YEAR_MS } from '../../config/parsers';
import { ServiceError } from '../../errors/service-error';
import { priorities, type Priority } from '../../tasks/task/task';

/** What a client of another API says of its task in headers, for its bodies have no room for it. */
export interface WorkHeaders {
  readonly priority: Priority;
  readonly sessionId?: string;
  readonly poolId?: string;
  readonly deadlineMs: number;
}

/** As long as clients of OpenAI's API wait unless they are told otherwise. */
const DEADLINE_DEFAULT_MS = 600_000;

/** @throws ServiceError INVALID_PARAMS naming the header */
export function workHeadersOf(headers: IncomingHttpHeaders): WorkHeaders {
  const sessionId = idIn(headers, 'X-Orchd-Session');
  const poolId = idIn(headers, 'X-Orchd-Pool');
  return {
    priority: priorityIn(headers),
    ...(sessionId !== undefined && { sessionId }),
    ...(poolId !== undefined && { poolId }),
    deadlineMs: deadlineIn(headers),
  };
}

function priorityIn(headers: IncomingHttpHeaders): Priority {
  const name = 'X-Orchd-Priority';
  const text = valueOf(headers, name);
  if (text === undefined) return 'interactive';
  const known = priorities.find(priority => priority === text);
  if (!known) throw invalid(name, priorities.join(' or '));
  return known;
}

function idIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const text = valueOf(headers, name);
  if (text !== undefined && !idPattern.test(text)) throw invalid(name, identifier.allowed);
  return text;
}

function deadlineIn(headers: IncomingHttpHeaders): number {
  const name = 'X-Orchd-Deadline-Ms';
  const text = valueOf(headers, name);
  if (text === undefined) return DEADLINE_DEFAULT_MS;
  const ms = /^[1-9]\d{0,11}$/.test(text) ? Number(text) : 0;
  if (ms < 1 || ms > YEAR_MS) throw invalid(name, `an integer from 1 to ${YEAR_MS}`);
  return ms;
}

function valueOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(',') : value;
}

function invalid(field: string, allowed: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must be ${allowed}` });
}
