import { ServiceError } from '../errors/service-error';

/*
 * Members of bodies that are read by hand, since their shapes are unions of other people's. Each error names the member by its path, and
 * what is allowed.
 */

export type Members = Readonly<Record<string, unknown>>;

/** Null stands for nothing in every API that is spoken here. */
export function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export function invalid(field: string, must: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must ${must}` });
}

/** @throws ServiceError INVALID_PARAMS, as all of these */
export function objectIn(field: string, value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'be an object');
  return value as Members;
}

export function listIn(field: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'be a list');
  return value as readonly unknown[];
}

export function textIn(field: string, value: unknown, maxChars = Infinity): string {
  if (typeof value !== 'string') throw invalid(field, 'be a text');
  if (value.length > maxChars && (value.length > 2 * maxChars || [...value].length > maxChars))
    throw invalid(field, `have at most ${maxChars} characters`);
  return value;
}

export function flagIn(field: string, value: unknown, otherwise = false): boolean {
  if (isNothing(value)) return otherwise;
  if (typeof value !== 'boolean') throw invalid(field, 'be true or false');
  return value;
}

export function integerIn(field: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw invalid(field, `be an integer from ${min} to ${max}`);
  return value;
}

export function choiceIn<T extends string>(field: string, value: unknown, choices: readonly T[]): T {
  const known = choices.find(choice => choice === value);
  if (known === undefined) throw invalid(field, `be ${choices.join(' or ')}`);
  return known;
}

const MODEL_MAX_CHARS = 256;

/** The name of a model, as every API sends one. */
export function modelIn(value: unknown): string {
  const isName =
    typeof value === 'string' && value !== '' && [...value.slice(0, 2 * MODEL_MAX_CHARS + 1)].length <= MODEL_MAX_CHARS;
  if (!isName) throw invalid('model', `be the name of a model, of 1 to ${MODEL_MAX_CHARS} characters`);
  return value;
}
