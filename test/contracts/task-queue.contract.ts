import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { QueueEntry, TaskQueue } from '../../src/tasks/queue/task-queue.port';
import type { PlacementConstraints, Priority } from '../../src/tasks/task';

export const queueCapacity = 8;

function constraints(pinPoolId?: string): PlacementConstraints {
  return { preferPools: [], avoidPools: [], workload: 'completion', ...(pinPoolId !== undefined && { pinPoolId }) };
}

let lastSeq = 0;
function entry(orderKey: number, more: { priority?: Priority; pool?: string; bytes?: number } = {}): QueueEntry {
  const seq = ++lastSeq;
  return {
    taskId: `t${seq}`,
    priority: more.priority ?? 'interactive',
    constraints: constraints(more.pool),
    orderKey,
    seq,
    bytes: more.bytes ?? 1,
  };
}

/** What every queue promises, at {@link queueCapacity}. */
export function taskQueueContract(name: string, setUp: () => Promise<TaskQueue>): void {
  describe(name, () => {
    let queue: TaskQueue;
    beforeEach(async () => (queue = await setUp()));

    const admit = async (element: QueueEntry): Promise<void> => {
      expect(await queue.offer(element, false)).toMatchObject({ ok: true });
      await queue.confirm(element.taskId);
    };
    const head = async (): Promise<string | undefined> => (await queue.lanes())[0]?.head.taskId;

    it('serves by key, ties by age, over all lanes', async () => {
      const [late, early, tie] = [entry(20), entry(10, { pool: 'a' }), entry(10, { pool: 'b' })];
      for (const element of [late, early, tie]) await admit(element);
      expect((await queue.lanes()).map(lane => lane.head.taskId)).toEqual([early.taskId, tie.taskId, late.taskId]);
    });

    it('counts an offer at once and serves it only when it is confirmed', async () => {
      const first = entry(1);
      expect(await queue.offer(first, false)).toEqual({ ok: true, position: 0, lanePosition: 0 });
      expect(queue.depth()).toEqual({ interactive: 1, batch: 0 });
      expect(await queue.lanes()).toEqual([]);
      const second = entry(2);
      expect(await queue.offer(second, false)).toMatchObject({ position: 1 });
      await queue.confirm(second.taskId);
      expect(await head()).toBe(second.taskId);
      await queue.confirm(first.taskId);
      expect(await head()).toBe(first.taskId);
    });

    it('refuses past its capacity, and takes one more when one has gone', async () => {
      const entries = Array.from({ length: queueCapacity }, (_, n) => entry(n));
      for (const element of entries) await admit(element);
      expect(await queue.offer(entry(99), false)).toEqual({ ok: false, reason: 'full' });
      expect(await queue.remove(entries[3]?.taskId ?? '')).toBe(true);
      expect(await queue.offer(entry(99), false)).toMatchObject({ ok: true, position: queueCapacity - 1 });
    });

    it('gives up the confirmed entry queued longest, whatever its class, and takes it back', async () => {
      const oldest = entry(1000, { priority: 'batch' });
      const others = Array.from({ length: queueCapacity - 1 }, (_, n) => entry(n));
      for (const element of [oldest, ...others]) await admit(element);
      const outcome = await queue.offer(entry(50), true);
      expect(outcome).toMatchObject({ ok: true, evicted: { taskId: oldest.taskId } });
      await queue.restore(oldest);
      expect(await queue.position(oldest.taskId)).toMatchObject({ position: queueCapacity });
    });

    it('never gives up an entry whose admission is not durable: an offer waits for one that is, or for room', async () => {
      const entries = Array.from({ length: queueCapacity }, (_, n) => entry(n));
      for (const element of entries) await queue.offer(element, false);
      expect(await queue.offer(entry(98), false)).toEqual({ ok: false, reason: 'full' });
      const settled: string[] = [];
      const offers = ['first', 'second'].map(async name => {
        const outcome = await queue.offer(entry(99), true);
        settled.push(name);
        return outcome;
      });
      await new Promise(setImmediate);
      expect(settled).toEqual([]);
      const [confirmed, withdrawn] = entries;
      await queue.confirm(confirmed?.taskId ?? '');
      expect(await offers[0]).toMatchObject({ ok: true, evicted: confirmed });
      expect(settled).toEqual(['first']);
      await queue.remove(withdrawn?.taskId ?? '');
      const second = await offers[1];
      expect(second).toMatchObject({ ok: true });
      expect(second).not.toHaveProperty('evicted');
    });

    it('shows what may use a pool', async () => {
      for (const pool of ['a', 'a', 'b', undefined]) await admit(entry(1, pool === undefined ? {} : { pool }));
      expect([await queue.depthForPool('a'), await queue.depthForPool('b'), await queue.depthForPool('c')]).toEqual([
        3, 2, 1,
      ]);
      const depths = await queue.laneDepths();
      expect(depths.reduce((sum, lane) => sum + lane.interactive + lane.batch, 0)).toBe(4);
    });

    it('agrees with a plain list whatever is offered, confirmed, taken, removed and restored', async () => {
      const step = fc.record({
        kind: fc.constantFrom('offer', 'offer', 'offer', 'confirm', 'take', 'remove', 'restore'),
        key: fc.integer({ min: 0, max: 5 }),
        priority: fc.constantFrom<Priority>('interactive', 'batch'),
        pool: fc.constantFrom('a', 'b'),
        pick: fc.nat(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80 }), async steps => {
          queue = await setUp();
          let places: { entry: QueueEntry; eligible: boolean }[] = [];
          const gone: QueueEntry[] = [];
          const sorted = (): typeof places =>
            [...places].sort((a, b) => a.entry.orderKey - b.entry.orderKey || a.entry.seq - b.entry.seq);
          for (const { kind, key, priority, pool, pick } of steps) {
            const known = places[pick % Math.max(1, places.length)];
            if (kind === 'offer') {
              const fresh = entry(key, { priority, pool });
              const outcome = await queue.offer(fresh, false);
              expect(outcome.ok).toBe(places.length < queueCapacity);
              if (outcome.ok) {
                places.push({ entry: fresh, eligible: false });
                expect(outcome.position).toBe(sorted().findIndex(place => place.entry === fresh));
              }
            } else if (kind === 'confirm' && known) {
              await queue.confirm(known.entry.taskId);
              known.eligible = true;
            } else if (kind === 'take') {
              const [lane] = await queue.lanes();
              const expected = sorted().find(place => place.eligible);
              const taken = lane && (await queue.take(lane.id));
              expect(taken?.taskId).toBe(expected?.entry.taskId);
              if (expected) gone.push(expected.entry);
              places = places.filter(place => place !== expected);
            } else if (kind === 'remove' && known) {
              expect(await queue.remove(known.entry.taskId)).toBe(true);
              expect(await queue.remove(known.entry.taskId)).toBe(false);
              places = places.filter(place => place !== known);
            } else if (kind === 'restore') {
              const back = gone.pop();
              if (back) {
                await queue.restore(back);
                places.push({ entry: back, eligible: true });
              }
            }
            for (const [index, place] of sorted().entries()) {
              expect((await queue.position(place.entry.taskId))?.position).toBe(index);
            }
          }
        }),
        { numRuns: 150 },
      );
    });
  });
}
