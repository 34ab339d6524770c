import { describe, expect, it } from 'vitest';
import { queueCapacity, taskQueueContract } from '../../../test/contracts/task-queue.contract';
import { loadConfig } from '../../config/config';
import { MemoryTaskQueue } from './task-queue.memory';

taskQueueContract(
  'MemoryTaskQueue',
  async () => new MemoryTaskQueue(loadConfig({ ORCHD_ADMISSION_CAPACITY: String(queueCapacity) }).config),
);

describe('MemoryTaskQueue', () => {
  const queue = (): MemoryTaskQueue =>
    new MemoryTaskQueue(
      loadConfig({ ORCHD_ADMISSION_CAPACITY: '100000', ORCHD_QUEUE_MAX_BYTES: String(1024 * 1024) }).config,
    );
  const base = { priority: 'interactive' as const, orderKey: 0 };

  it('bounds the lanes that clients can make', async () => {
    const bounded = queue();
    const outcomes = new Set<string>();
    for (let n = 0; n < 1100; n++) {
      const constraints = { preferPools: [], avoidPools: [], workload: 'completion', modelRef: `m${n}` };
      const outcome = await bounded.offer({ ...base, taskId: `t${n}`, seq: n, bytes: 1, constraints }, false);
      outcomes.add(outcome.ok ? 'ok' : outcome.reason);
    }
    expect(outcomes).toEqual(new Set(['ok', 'lanes']));
    expect(bounded.depth().interactive).toBe(1024);
  });

  it('bounds the bytes that queued requests hold', async () => {
    const bounded = queue();
    const constraints = { preferPools: [], avoidPools: [], workload: 'completion' };
    expect(await bounded.offer({ ...base, taskId: 'a', seq: 1, bytes: 600_000, constraints }, false)).toMatchObject({
      ok: true,
    });
    expect(await bounded.offer({ ...base, taskId: 'b', seq: 2, bytes: 600_000, constraints }, false)).toEqual({
      ok: false,
      reason: 'bytes',
    });
    await bounded.remove('a');
    expect(await bounded.offer({ ...base, taskId: 'b', seq: 2, bytes: 600_000, constraints }, false)).toMatchObject({
      ok: true,
    });
  });
});
