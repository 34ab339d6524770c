import { describe, expect, it } from 'vitest';
import { ServiceError, type ErrorDetails } from '../../errors/service-error';
import type { ErrorCode } from '../../errors/catalogue';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { TaskEvents } from '../../openai/answers/task-events.service';
import type { OpenaiTasks } from '../../openai/requests/openai-tasks';
import type { Clock } from '../../time/clock';
import { endEvent, errorEvent, tokenEvent } from '../../tasks/events/task-events';
import type { StoredBatch } from '../batch/stored-batch';
import { LineWork, type LineContext } from './line-work';
import type { TaskEnds } from '../../openai/answers/task-ends';

const batch = { id: 'batch_a', endpoint: '/v1/chat/completions', correlationId: 'c', expiresAtMs: 1e15 } as StoredBatch;
const context: LineContext = { batch, stop: undefined, isResumed: false, tasks: new Set(), settled: () => undefined };
const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const line = {
  number: 1,
  bytes: Buffer.from(JSON.stringify({ custom_id: 'one', method: 'POST', url: batch.endpoint, body })),
};
const output = [
  tokenEvent(0, 'Hello'),
  endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' }),
];

/** A task that has ended, whose output is read by that. */
function workOver(each: TaskEvents['each']): LineWork {
  return new LineWork(
    { submit: () => Promise.resolve() } as unknown as OpenaiTasks,
    { each } as TaskEvents,
    { until: () => Promise.resolve() } as unknown as TaskEnds,
    { isReady: true } as Lifecycle,
    { wallMs: () => 0 } as Clock,
  );
}

const failing = (code: ErrorCode, details: ErrorDetails = {}): TaskEvents['each'] => {
  return () => Promise.reject(new ServiceError(code, details));
};

describe('a line of a batch (B-BAT-005)', () => {
  it('whose output storage cannot give now is tried again, and is no error', async () => {
    expect(await workOver(failing('STORAGE_UNAVAILABLE')).run(line, context)).toMatchObject({ kind: 'later' });
    const work = workOver(async (_taskId, take) => output.forEach(take));
    expect(await work.run(line, context)).toMatchObject({ kind: 'done', customId: 'one', result: { kind: 'answer' } });
  });

  it.each(['ORCHESTRATOR_RESTARTED', 'STORAGE_UNAVAILABLE'] as const)(
    'that has ended with %s before anybody saw its output runs again as another task, and not for ever (B-ND-014)',
    async code => {
      const asked: string[] = [];
      const work = (failures: number): LineWork =>
        workOver(async (taskId, take) => {
          asked.push(taskId);
          if (asked.length > failures) output.forEach(take);
          else take(errorEvent(new ServiceError(code), 1));
        });
      const outcome = await work(2).run(line, context);
      expect(outcome).toMatchObject({ kind: 'done', taskId: 'batch_a.1.3', result: { kind: 'answer' } });
      expect([asked.splice(0), context.tasks.size]).toEqual([['batch_a.1', 'batch_a.1.2', 'batch_a.1.3'], 0]);
      expect(await work(9).run(line, context)).toMatchObject({ result: { kind: 'error', error: { code } } });
      expect(asked.splice(0)).toHaveLength(5);
      const stopped = await work(9).run(line, { ...context, stop: 'cancelled' });
      expect([stopped, asked.length]).toMatchObject([{ kind: 'done', result: { kind: 'error' } }, 1]);
    },
  );

  it('whose output is gone is one', async () => {
    const outcome = await workOver(failing('TASK_NOT_FOUND')).run(line, context);
    expect(outcome).toMatchObject({ kind: 'done', result: { kind: 'error', error: { code: 'INTERNAL' } } });
  });
});
