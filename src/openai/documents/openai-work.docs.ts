import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiResponse } from '../../http/documents/decorators';
import type { Operation } from '../../engines/engine-adapter.port';
import { ApiOpenaiErrors } from './openai-errors.docs';
import { answerSchemas, bodySchemas } from './openai-schemas';
import { ApiWorkHeaders, workErrors } from './work.docs';

/** Which of them can be streamed. */
const streamed: ReadonlySet<Operation> = new Set(['chat', 'completion']);

/** What all routes of work have in common. */
export function ApiOpenaiWork(operation: Operation): MethodDecorator {
  const json = { 'application/json': { schema: answerSchemas[operation] } };
  const content: Record<string, object> = streamed.has(operation) ? { ...json, 'text/event-stream': {} } : json;
  return applyDecorators(
    ApiWorkHeaders(),
    ApiBody({ required: true, schema: bodySchemas[operation] }),
    ApiResponse({
      status: 200,
      description: 'All of it, or with `stream` in chunks.',
      content,
    }),
    ApiOpenaiErrors(...workErrors),
  );
}
