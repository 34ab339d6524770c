import { Injectable, ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { ServiceError } from '../../errors/service-error';
import { knownNames, knownOf, readDto, type DtoClass } from './dto-reader';
import { assertNoneRefused } from './refused-members';
import { noteUnknown } from './unknown-members';

const options: ValidatorOptions = { stopAtFirstError: true, validationError: { target: false, value: false } };

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
    if (isChecked && type === 'query') {
      const query = (await super.transform(onlyKnown(metatype as DtoClass, value as object), metadata)) as object;
      noteUnknown(metatype as DtoClass, value as object, query);
      return query;
    }
    return super.transform(value, metadata);
  }
}

/** A POST that needs nothing may come without a body, with {} or with an empty one. */
function validBody(dto: DtoClass, sent: unknown): object {
  const body = sent ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body must be a JSON object' });
  }
  assertNoneRefused(dto, body);
  const valid = readDto(dto, body) ?? judged(knownOf(dto, body));
  noteUnknown(dto, body, valid);
  return valid;
}

function judged(known: object): object {
  const errors = validateSync(known, options);
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
