import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiResponse } from '@nestjs/swagger';
import type { Operation } from '../../engines/engine-adapter.port';
import { idSchema } from '../../http/documents/schemas';
import { priorities } from '../../tasks/task/task';
import { ApiOpenaiErrors } from './openai-errors.docs';
import { answerSchemas, bodySchemas } from './openai-schemas';

const requestHeaders = [
  {
    name: 'X-Orchd-Priority',
    description: 'As `priority` of a task.',
    schema: { type: 'string', enum: [...priorities] },
  },
  { name: 'X-Orchd-Session', description: 'The session that it belongs to; its own when absent.', schema: idSchema },
  { name: 'X-Orchd-Pool', description: 'The only pool that may run it.', schema: idSchema },
  {
    name: 'X-Orchd-Deadline-Ms',
    description: 'Milliseconds from admission to its end (600000).',
    schema: { type: 'integer', format: 'int64', minimum: 1, maximum: 31_536_000_000 },
  },
  {
    name: 'X-Orchd-Max-Wait-Ms',
    description:
      'Milliseconds that it may wait for its start, refused as by a full queue after them. With it a request waits for an engine that is not ready, too.',
    schema: { type: 'integer', format: 'int64', minimum: 0, maximum: 31_536_000_000 },
  },
  {
    name: 'X-Orchd-Do-Not-Queue',
    description: '`true`: refused where it cannot start at once.',
    schema: { type: 'string', enum: ['true', 'false'] },
  },
];

/** Which of them can be streamed. */
const streamed: ReadonlySet<Operation> = new Set(['chat', 'completion']);

/** What all routes of work have in common. */
export function ApiOpenaiWork(operation: Operation): MethodDecorator {
  const json = { 'application/json': { schema: answerSchemas[operation] } };
  const content: Record<string, object> = streamed.has(operation) ? { ...json, 'text/event-stream': {} } : json;
  return applyDecorators(
    ...requestHeaders.map(header => ApiHeader({ ...header, required: false })),
    ApiBody({ required: true, schema: bodySchemas[operation] }),
    ApiResponse({
      status: 200,
      description: 'All of it, or with `stream` in chunks.',
      content,
    }),
    ApiOpenaiErrors(
      'INVALID_PARAMS',
      'DEADLINE_UNMET',
      'MODEL_NOT_FOUND',
      'MODEL_RETIRED',
      'MODEL_UNVERIFIED',
      'CANCELLED',
    ),
    ApiOpenaiErrors('BODY_TOO_LARGE', 'ADMISSION_REJECT', 'QUEUE_FULL_DROP_LRU', 'BUDGET_EXHAUSTED'),
    ApiOpenaiErrors('INTERNAL', 'OUTPUT_TOO_LARGE', 'NOT_SUPPORTED', 'ENGINE_PROTOCOL', 'WORKER_RESET'),
    ApiOpenaiErrors('POOL_UNAVAILABLE', 'POOL_UNREADY', 'POOL_DRAINED', 'MODEL_LOAD_FAILED', 'REPLICA_EXHAUSTED'),
    ApiOpenaiErrors('ENGINE_BUSY', 'STORAGE_UNAVAILABLE', 'ORCHESTRATOR_RESTARTED', 'SHUTTING_DOWN', 'NOT_READY'),
    ApiOpenaiErrors('DECODE_TIMEOUT'),
  );
}
