import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { ApiParam } from '../documents/decorators';
import { identifier, idPattern } from '../../config/parsers';
import { ServiceError } from '../../errors/service-error';
import { idSchema } from '../documents/schemas';

/** Lets through what can be an id; anything else in its place of the path is INVALID_PARAMS. */
@Injectable()
export class IdParamPipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): string {
    if (idPattern.test(value)) return value;
    throw new ServiceError('INVALID_PARAMS', { field: data, message: `${data} must be ${identifier.allowed}` });
  }
}

/** Documents an id in the path. What cannot be one is refused, or names nothing. */
export function ApiIdParam(name: string, description: string): MethodDecorator {
  return ApiParam({ name, description, schema: { ...idSchema } });
}
