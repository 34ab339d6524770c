import type { ServiceError } from '../../errors/service-error';
import { engineError, reasonOf } from '../wire/engine-error';
import { membersOf } from '../wire/engine-json';

const statuses: Readonly<Record<string, number>> = {
  overloaded: 429,
  validation: 422,
  template_error: 422,
  tool_error: 422,
  generation: 424,
  incomplete_generation: 500,
  incomplete_generation_stream: 500,
  healthcheck: 503,
};

/**
 * The error behind a status and `{"error": "text", "error_type"}`. In a stream the status is always 200, and the error of OpenAI's routes says
 * 422 whatever it is: there the words tell.
 */
export function tgiError(status: number, body: unknown): ServiceError {
  const { error_type: type } = membersOf(body);
  const told = typeof type === 'string' ? statuses[type] : undefined;
  return engineError('tgi', told ?? statusBy(reasonOf(body) ?? '') ?? status, body);
}

function statusBy(reason: string): number | undefined {
  if (/\boverloaded\b/i.test(reason)) return 429;
  return /failed during generation|incomplete generation/i.test(reason) ? 424 : undefined;
}
