import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/config';
import { MemoryTaskQueue } from '../../storage/memory/task-queue.memory';
import { Clock } from '../../time/clock';
import { Backoff } from './backoff';

let nowMs: number;
let queue: MemoryTaskQueue;
let backoff: Backoff;

beforeEach(async () => {
  nowMs = 0;
  queue = new MemoryTaskQueue(loadConfig({ ORCHD_ADMISSION_CAPACITY: '100' }).config);
  backoff = new Backoff(queue, Object.assign(new Clock(), { nowMs: () => nowMs }));
});

async function enqueue(count: number): Promise<void> {
  const constraints = { preferPools: [], avoidPools: [], workload: 'completion' };
  for (let seq = 1; seq <= count; seq++) {
    await queue.offer({ taskId: `t${seq}`, priority: 'batch', constraints, orderKey: seq, seq, bytes: 1 }, false);
  }
}

/** One leaves the queue every `gapMs`. */
async function depart(count: number, gapMs: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    nowMs += gapMs;
    await queue.remove(`t${n}`);
    backoff.departed();
  }
}

describe('Backoff', () => {
  it('gives the time in which a place frees, and each client refused since a later one', async () => {
    await enqueue(60);
    await depart(50, 200);
    for (const turn of [1, 2, 3]) {
      const waitMs = backoff.adviseRefusedMs();
      expect(waitMs).toBeGreaterThanOrEqual(0.75 * turn * 200 - 1);
      expect(waitMs).toBeLessThanOrEqual(1.25 * turn * 200 + 1);
    }
  });

  it('does not take an hour without work for an hour between two places', async () => {
    await enqueue(50);
    await depart(50, 200);
    nowMs += 3_600_000;
    await enqueue(10);
    nowMs += 10;
    await depart(1, 200);
    expect(backoff.adviseRefusedMs()).toBeLessThanOrEqual(251);
  });

  it('sends nobody further back for those who were refused for other reasons', async () => {
    await enqueue(60);
    await depart(50, 200);
    for (let n = 0; n < 100; n++) backoff.adviseMs();
    expect(backoff.adviseRefusedMs()).toBeLessThanOrEqual(251);
  });

  it('asks for more patience while the queue stands still', async () => {
    await enqueue(60);
    await depart(50, 200);
    nowMs += 10_000;
    expect(backoff.adviseRefusedMs()).toBeGreaterThanOrEqual(7500);
  });
});
