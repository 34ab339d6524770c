import { ApiParam } from '@nestjs/swagger';
import { idSchema } from './schemas';

/** Documents an id in the path. What cannot be one is refused, or names nothing. */
export function ApiIdParam(name: string, description: string): MethodDecorator {
  return ApiParam({ name, description, schema: { ...idSchema } });
}
