import { Injectable, ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { ServiceError } from '../../errors/service-error';
import { carry } from './carried-members';
import { knownNames, knownOf, readDto, type DtoClass } from './dto-reader';
import { assertNoneRefused } from './refused-members';
import { noteUnknown } from './unknown-members';

const options: ValidatorOptions = { stopAtFirstError: true, validationError: { target: false, value: false } };
/** A query of which nothing is known is no fault. */
const queryOptions: ValidatorOptions = { whitelist: true, forbidUnknownValues: false };

/**
 * Validates bodies and queries against their DTO classes; the first fault becomes INVALID_PARAMS naming its field. Only what a class knows
 * is looked at: class-transformer takes a time that grows with the square of the members, so it sees no body and no more of
 * a query than is known.
 */
@Injectable()
export class DtoValidationPipe extends ValidationPipe {
  constructor() {
    super({ ...options, transform: true, whitelist: true, exceptionFactory: errors => firstFault(errors) });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { type, metatype } = metadata;
    const isChecked = metatype !== undefined && this.toValidate(metadata);
    if (isChecked && type === 'body') return validBody(metatype as DtoClass, value);
    if (isChecked && type === 'query') return validQuery(metatype as DtoClass, value as object);
    return super.transform(value, metadata);
  }
}

/**
 * A POST that needs nothing may come without a body, with {} or with an empty one.
 * @throws ServiceError INVALID_PARAMS for the first fault, with its field
 */
export function validBody<T extends object>(dto: new () => T, sent: unknown): T {
  const body = sent ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body must be a JSON object' });
  }
  assertNoneRefused(dto, body);
  const valid = readDto(dto, body) ?? judged(knownOf(dto, body));
  carry(dto, body, valid);
  noteUnknown(dto, body, valid);
  return valid;
}

/** Classes whose defaults alone are valid: what an empty query comes to. */
const validWhenEmpty = new Set<DtoClass>();

/** Members of a query come as texts, which the class makes numbers and flags of. @throws ServiceError INVALID_PARAMS, likewise */
export function validQuery<T extends object>(dto: new () => T, sent: object): T {
  const isEmpty = Object.keys(sent).length === 0;
  if (isEmpty && validWhenEmpty.has(dto)) return new dto();
  const query = judged(plainToInstance(dto, onlyKnown(dto, sent)), { ...options, ...queryOptions });
  noteUnknown(dto, sent, query);
  if (isEmpty) validWhenEmpty.add(dto);
  return query;
}

function judged<T extends object>(known: T, by: ValidatorOptions = options): T {
  const errors = validateSync(known, by);
  if (errors.length > 0) throw firstFault(errors);
  return known;
}

function onlyKnown(dto: DtoClass, query: object): object {
  const members = [...knownNames(dto)].map(name => [name, (query as Record<string, unknown>)[name]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function firstFault(errors: readonly ValidationError[], parent = ''): ServiceError {
  const [error] = errors;
  if (!error) return new ServiceError('INVALID_PARAMS');
  const field = parent + error.property;
  const [message] = Object.values(error.constraints ?? {});
  if (message === undefined) return firstFault(error.children ?? [], `${field}.`);
  return new ServiceError('INVALID_PARAMS', { field, message: parent + message });
}
