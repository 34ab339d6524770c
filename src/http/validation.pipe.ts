import { Injectable, ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { ServiceError } from '../errors/service-error';
import { readDto, type DtoClass } from './dto-reader';
import { isJsonField } from './fields';

/** Validates bodies and queries against their DTO classes; the first fault becomes INVALID_PARAMS naming its field. */
@Injectable()
export class DtoValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: errors => firstFault(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { type, metatype } = metadata;
    if (type !== 'body' || !metatype || !this.toValidate(metadata))
      return super.transform(value, metadata) as Promise<unknown>;
    // A POST that needs nothing may come without a body, with {} or with an empty one.
    const body = value ?? {};
    if (typeof body !== 'object' || Array.isArray(body)) {
      throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body must be a JSON object' });
    }
    const given = withoutNulls(body);
    return readDto(metatype as DtoClass, given) ?? this.transformLongWay(given, metadata);
  }

  /**
   * The framework drops members such as `constructor` and `toString` at any depth, so opaque fields, which are kept as they were
   * sent, go around it.
   */
  private async transformLongWay(given: object, metadata: ArgumentMetadata): Promise<object> {
    const { opaque, checked } = parted(given, metadata.metatype?.prototype as object);
    const valid = (await super.transform(checked, metadata)) as object;
    return Object.assign(valid, opaque);
  }
}

/** Many clients send null for "not given": then the field's default holds, as if it were absent. */
function withoutNulls(body: object): object {
  if (!Object.values(body).includes(null)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function parted(given: object, dto: object): { opaque: object; checked: object } {
  const members = Object.entries(given);
  return {
    opaque: Object.fromEntries(members.filter(([name]) => isJsonField(dto, name))),
    checked: Object.fromEntries(members.filter(([name]) => !isJsonField(dto, name))),
  };
}

function firstFault(errors: readonly ValidationError[], parent = ''): ServiceError {
  const [error] = errors;
  if (!error) return new ServiceError('INVALID_PARAMS');
  const field = parent + error.property;
  const [message] = Object.values(error.constraints ?? {});
  if (message === undefined) return firstFault(error.children ?? [], `${field}.`);
  return new ServiceError('INVALID_PARAMS', { field, message: parent + message });
}
