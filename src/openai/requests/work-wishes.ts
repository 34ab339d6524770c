import { identifier, idPattern } from '../../config/parsers';
import { ServiceError } from '../../errors/service-error';
import { priorities, type Priority } from '../../tasks/task/task';
import type { WorkHeaders } from './work-headers';

/** Who has a task, and how urgent it is. */
export interface WorkWishes {
  readonly priority: Priority;
  readonly sessionId: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** Tiers of OpenAI's API that can wait for the sake of their price. */
const patientTiers: readonly unknown[] = ['flex', 'batch'];

/**
 * What headers say goes first; then the body's `metadata`, which many clients can set and few can set headers, under the names
 * `orchd_session` and `orchd_priority`, or plain `session` and `priority`; then its `service_tier`. A plain name may be the client's own:
 * what it has that we do not take is passed over.
 * @throws ServiceError INVALID_PARAMS naming the member of `metadata`
 */
export function wishesOf({ priority, sessionId }: WorkHeaders, body: Members): WorkWishes {
  const metadata = membersOf(body['metadata']);
  return {
    sessionId: sessionId ?? sessionIn(metadata),
    priority:
      priority ?? priorityIn(metadata) ?? (patientTiers.includes(body['service_tier']) ? 'batch' : 'interactive'),
  };
}

function sessionIn({ orchd_session: ours, session }: Members): string | undefined {
  if (ours !== undefined && !isId(ours)) throw invalid('metadata.orchd_session', identifier.allowed);
  if (ours !== undefined) return ours;
  return isId(session) ? session : undefined;
}

function priorityIn({ orchd_priority: ours, priority }: Members): Priority | undefined {
  const known = (value: unknown) => priorities.find(each => each === value);
  if (ours !== undefined && !known(ours)) throw invalid('metadata.orchd_priority', priorities.join(' or '));
  return known(ours) ?? known(priority);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value);
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function invalid(field: string, allowed: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must be ${allowed}` });
}
