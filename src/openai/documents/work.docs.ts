import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '../../http/documents/decorators';
import type { ErrorCode } from '../../errors/catalogue';
import { idSchema } from '../../http/documents/schemas';
import { priorities } from '../../tasks/task/task';

/* What all routes have in common whose requests become tasks, of whichever API. */

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

export function ApiWorkHeaders(): MethodDecorator {
  return applyDecorators(...requestHeaders.map(header => ApiHeader({ ...header, required: false })));
}

export const workErrors: readonly ErrorCode[] = [
  ...([
    'INVALID_PARAMS',
    'DEADLINE_UNMET',
    'MODEL_NOT_FOUND',
    'MODEL_RETIRED',
    'MODEL_UNVERIFIED',
    'CANCELLED',
  ] as const),
  ...(['BODY_TOO_LARGE', 'ADMISSION_REJECT', 'QUEUE_FULL_DROP_LRU', 'BUDGET_EXHAUSTED'] as const),
  ...(['INTERNAL', 'OUTPUT_TOO_LARGE', 'NOT_SUPPORTED', 'ENGINE_PROTOCOL', 'WORKER_RESET'] as const),
  ...(['POOL_UNAVAILABLE', 'POOL_UNREADY', 'POOL_DRAINED', 'MODEL_LOAD_FAILED', 'REPLICA_EXHAUSTED'] as const),
  ...(['ENGINE_BUSY', 'STORAGE_UNAVAILABLE', 'ORCHESTRATOR_RESTARTED', 'SHUTTING_DOWN', 'NOT_READY'] as const),
  'DECODE_TIMEOUT',
];
