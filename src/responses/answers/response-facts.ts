import type { ErrorCode } from '../../errors/catalogue';
import type { ServiceError } from '../../errors/service-error';
import type { Members } from '../../json/members';
import { untoldEnd, type EndData } from '../../tasks/events/task-events';

/** What stands in every form of one response. */
export interface ResponseFacts {
  readonly id: string;
  readonly taskId: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly asked: Members;
}

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** What a response came to. */
export interface ResponseEnd {
  readonly status: ResponseStatus;
  readonly output: readonly object[];
  readonly error: object | null;
  readonly incomplete_details: object | null;
  /** Absent while nothing was counted: that is no null there. */
  readonly usage?: object;
}

const RESPONSE_PREFIX = 'resp_';

export function responseIdOf(taskId: string): string {
  return `${RESPONSE_PREFIX}${taskId}`;
}

/** The response as it stands: what it was asked with, and what there is of it. */
export function responseOf({ id, createdAt, asked }: ResponseFacts, end: ResponseEnd): object {
  return { id, object: 'response', created_at: createdAt, ...asked, ...end };
}

export function unended(status: 'queued' | 'in_progress', output: readonly object[] = []): ResponseEnd {
  return { status, output, error: null, incomplete_details: null };
}

function responseUsageOf({ tokens_in: read = 0, tokens_cached: cached = 0, ...end }: EndData): object {
  const { tokens_out: made, tokens_reasoning: thought = 0 } = end;
  return {
    input_tokens: read,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: made,
    output_tokens_details: { reasoning_tokens: thought },
    total_tokens: read + made,
  };
}

/** How a response ends whose task put out all that it had. */
export function endOf(output: readonly object[], end: EndData): ResponseEnd {
  const reasons: Readonly<Record<string, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' };
  const reason = reasons[end.finish_reason];
  return {
    status: reason === undefined ? 'completed' : 'incomplete',
    output,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    usage: responseUsageOf(end),
  };
}

/**
 * How one ends whose task failed: with what there is.
 * @param made tokens that were shown; what it has read nobody has counted by then
 */
export function failureOf(output: readonly object[], { code, message }: ServiceError, made = 0): ResponseEnd {
  const usage = made > 0 && { usage: responseUsageOf({ ...untoldEnd, tokens_out: made }) };
  if (code === 'CANCELLED') return { ...unended('in_progress', output), status: 'cancelled', ...usage };
  const error = { code: errorCodeOf(code), message };
  return { ...unended('in_progress', output), status: 'failed', error, ...usage };
}

/** There are few codes of a response that failed; which one of ours it was is in the task. */
function errorCodeOf(code: ErrorCode): string {
  if (code === 'INVALID_PARAMS') return 'invalid_prompt';
  return code === 'ADMISSION_REJECT' || code === 'BUDGET_EXHAUSTED' ? 'rate_limit_exceeded' : 'server_error';
}
