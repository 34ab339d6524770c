import { ServiceError } from '../../errors/service-error';
import type { DtoClass } from './dto-reader';

/** Why a body may not have a member. */
export interface Refusal {
  /** What its sender should do, as a clause: `say it as max_tokens`. */
  readonly advice: string;
}

const refusals = new Map<DtoClass, ReadonlyMap<string, Refusal>>();

/**
 * Members that a body may not have, for whoever sends them expects something of them and nothing would be done. Others that the
 * class does not know are passed over.
 * The OpenAPI document says it in words: a schema that takes null alone would make a hundred members of them.
 */
export function RefusedMembers(named: ReadonlyMap<string, Refusal>): ClassDecorator {
  return target => void refusals.set(target as unknown as DtoClass, named);
}

/**
 * A null is "not given", here as everywhere.
 * @throws ServiceError INVALID_PARAMS naming the first of them
 */
export function assertNoneRefused(dto: DtoClass, body: object): void {
  const named = refusals.get(dto);
  if (!named) return;
  for (const field of Object.keys(body)) {
    const refusal = named.get(field);
    if (!refusal) continue;
    const value = (body as Record<string, unknown>)[field] ?? undefined;
    if (value === undefined) continue;
    throw new ServiceError('INVALID_PARAMS', { field, message: `${field} does not work here: ${refusal.advice}` });
  }
}
