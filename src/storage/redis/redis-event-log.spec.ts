import { describe, expect, it } from 'vitest';
import { eventLogContract } from '../../../test/contracts/event-log.contract';
import { eventsOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { endEvent } from '../../tasks/events/task-events';
import type { TaskEvent } from '../../tasks/task/task';
import { EventWriter } from './event-writer';
import { StoreTask } from './held-task';
import { HeldTasks } from './held-tasks';
import { RedisEventLog } from './redis-event-log';

const TOKEN = '1';
const end = endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });

function taskOf(taskId: string, token = TOKEN): StoreTask {
  const hand = {
    spec: plainSpec(taskId),
    facts: factsOf(1),
    attempts: 1,
    refusals: 0,
    remaining: { tokens: 0, timeMs: 0, cost: 0 },
    timeLimitMs: 0,
    deadlineAtMs: Infinity,
    lastFailure: undefined,
    placement: undefined,
    avoided: [],
  };
  return new StoreTask(hand, token, Infinity);
}

/** A node's log, and the tasks that it has the right to. */
function nodeOf({ store, config }: OpenStore): { log: RedisEventLog; held: HeldTasks; writer: EventWriter } {
  const held = new HeldTasks();
  const writer = new EventWriter(store, held);
  const log = new RedisEventLog(config, store, held, writer);
  log.onModuleInit();
  return { log, held, writer };
}

/** Every task that it opens is its own. */
class OwnersLog extends RedisEventLog {
  constructor(
    private readonly opened: OpenStore,
    private readonly tasks: HeldTasks,
    readonly writes: EventWriter,
  ) {
    super(opened.config, opened.store, tasks, writes);
  }

  override open(taskId: string, events?: readonly TaskEvent[]): void {
    own(this.opened, taskId).catch(() => undefined);
    if (!this.tasks.get(taskId)) this.tasks.gain(taskOf(taskId));
    // A log that is opened anew is empty; a driver's own is opened once for each attempt.
    super.open(taskId, events ?? []);
  }
}

/** As a claim leaves it. */
function own({ store }: OpenStore, taskId: string, token = TOKEN): Promise<unknown> {
  return store.call('HSET', `${store.prefix}:t:${taskId}`, 'tok', token, 'st', 's');
}

describeOverStore('EventLog: of several nodes', server => {
  describe('at the owner', () => {
    const over = (opened: OpenStore) => {
      const held = new HeldTasks();
      const log = new OwnersLog(opened, held, new EventWriter(opened.store, held));
      return {
        log,
        outlivesDrop: true,
        admitted: async () => undefined,
        reopen: async () => {
          await log.writes.flush();
          return over(await opened.another());
        },
        close: async () => log.onModuleDestroy(),
      };
    };
    eventLogContract(async ({ cacheBytes = 1_000_000 } = {}) =>
      over(await openStore(server(), { ORCHD_EVENT_CACHE_BYTES: String(cacheBytes) })),
    );
  });

  describe('at another node', () => {
    const twoNodes = async () => {
      const opened = await openStore(server());
      const [owner, other] = [nodeOf(opened), nodeOf(await opened.another())];
      await own(opened, 't');
      owner.held.gain(taskOf('t'));
      return { opened, owner, other };
    };

    it('has the events of the owner, byte for byte, also for verbose readers', async () => {
      const { owner, other } = await twoNodes();
      for (const event of [...eventsOf(40), end]) owner.log.append('t', [event]);
      await owner.writer.flush();
      await expect
        .poll(() => other.log.tail('t'), { timeout: LAST_RESORT_MS })
        .toMatchObject({ lastSeq: 43, terminal: true });
      for (const verbose of [false, true]) {
        for (const from of [0, 7, 42]) {
          const [here, there] = [owner.log, other.log].map(log => log.read('t', from, 1_000_000, verbose));
          expect((await there)?.frames.toString()).toBe((await here)?.frames.toString());
        }
      }
    });

    it('wakes who follows within milliseconds, and tells of the end', async () => {
      const { owner, other } = await twoNodes();
      await other.log.tail('t');
      let wakes = 0;
      const following = other.log.follow('t').subscribe(() => wakes++);
      owner.log.append('t', eventsOf(3));
      await expect.poll(() => wakes, { timeout: LAST_RESORT_MS }).toBeGreaterThan(0);
      owner.log.append('t', [end]);
      await expect.poll(async () => (await other.log.tail('t'))?.terminal, { timeout: LAST_RESORT_MS }).toBe(true);
      following.unsubscribe();
    });

    it('takes nothing of who has lost the task, and breaks off the readers that were shown it', async () => {
      const { opened, owner, other } = await twoNodes();
      owner.log.append('t', eventsOf(2));
      await owner.writer.flush();
      await expect.poll(async () => (await other.log.tail('t'))?.lastSeq, { timeout: LAST_RESORT_MS }).toBe(4);
      let isBrokenOff = false;
      owner.log.follow('t').subscribe({ complete: () => (isBrokenOff = true) });
      await own(opened, 't', '2');
      owner.log.append('t', [end]);
      await expect.poll(() => isBrokenOff, { timeout: LAST_RESORT_MS }).toBe(true);
      expect(owner.held.get('t')).toBeUndefined();
      expect(await other.log.tail('t')).toMatchObject({ lastSeq: 4, terminal: false });
    });

    it('has nothing of a task whose stream is over: there is its transcript', async () => {
      const { opened, other } = await twoNodes();
      await opened.store.call('HSET', `${opened.store.prefix}:t:t`, 'st', 'x', 'kept', '1000.000');
      expect(await other.log.tail('t')).toBeUndefined();
    });

    it('writes a batch once, though its answer is lost and it is sent again', async () => {
      const { owner, other } = await twoNodes();
      owner.writer.add('t', 1, eventsOf(1));
      await owner.writer.flush();
      owner.writer.add('t', 1, eventsOf(1));
      await owner.writer.flush();
      expect((await other.log.kept('t')).length).toBe(3);
    });

    it('keeps who follows a task that changes hands before it has shown anything', async () => {
      const { opened, owner, other } = await twoNodes();
      let [wakes, isOver] = [0, false];
      owner.log.follow('t').subscribe({ next: () => wakes++, complete: () => (isOver = true) });
      const task = owner.held.get('t');
      if (task) owner.held.giveBack(task);
      await own(opened, 't', '2');
      other.held.gain(taskOf('t', '2'));
      other.log.append('t', [...eventsOf(2), end]);
      await expect.poll(async () => (await owner.log.tail('t'))?.terminal, { timeout: LAST_RESORT_MS }).toBe(true);
      expect([wakes > 0, isOver]).toEqual([true, false]);
    });
  });
});
