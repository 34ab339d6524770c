import { ServiceError } from '../../errors/service-error';
import type { DtoClass } from './dto-reader';

/** A member that goes on as it was sent, to somebody who knows more of it than we do. */
export interface Carried {
  readonly accepts: (value: unknown) => boolean;
  /** What it must be, as a clause: `be a list`. */
  readonly must: string;
  /** The one value that asks for no more than is done anyway: it is taken for nothing. */
  readonly idle?: unknown;
}

const carriedBy = new Map<DtoClass, ReadonlyMap<string, Carried>>();

/** Members that a body may have beside those of its class, and that stay on it as they came. What they may hold is bounded with the body. */
export function CarriedMembers(named: ReadonlyMap<string, Carried>): ClassDecorator {
  return target => void carriedBy.set(target as unknown as DtoClass, named);
}

export function isCarried(dto: DtoClass, name: string): boolean {
  return carriedBy.get(dto)?.has(name) === true;
}

/**
 * Puts them on what was made of the body. A null is "not given", here as everywhere.
 * @throws ServiceError INVALID_PARAMS naming the first that is not what it must be
 */
export function carry(dto: DtoClass, body: object, made: object): void {
  const named = carriedBy.get(dto);
  if (!named) return;
  for (const field of Object.keys(body)) {
    const rule = named.get(field);
    if (!rule) continue;
    const value = (body as Record<string, unknown>)[field] ?? undefined;
    if (value === undefined || value === rule.idle) continue;
    if (!rule.accepts(value))
      throw new ServiceError('INVALID_PARAMS', { field, message: `${field} must ${rule.must}` });
    (made as Record<string, unknown>)[field] = value;
  }
}
