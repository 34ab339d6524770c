import { expect, it } from 'vitest';
import { endEvent, tokenEvent } from '../../tasks/events/task-events';
import type { Store } from './connection/store';
import { decodeEvents, EventWriter } from './event-writer';
import type { HeldTasks } from './held-tasks';

/** A stream as the append script keeps it: what begins no later than its last entry is there already. */
class Stream {
  readonly texts: string[] = [];
  losesAnswer = false;
  private top = 0;

  run(_script: unknown, _taskId: string, _token: string, firstSeq: number, events: string): Promise<number> {
    if (firstSeq > this.top) {
      this.top = firstSeq;
      this.texts.push(...decodeEvents(events).map(({ data }) => data));
    }
    return this.losesAnswer ? Promise.reject(new Error('the connection broke')) : Promise.resolve(1);
  }
}

it('writes what comes after an append whose answer was lost, and that one once', async () => {
  const stream = new Stream();
  const held = { get: () => ({ token: 'mine' }) } as unknown as HeldTasks;
  const writer = new EventWriter(stream as unknown as Store, held);
  const end = endEvent({ tokens_out: 3, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
  const events = [tokenEvent(0, 'a'), tokenEvent(1, 'b'), tokenEvent(2, 'c'), end];
  stream.losesAnswer = true;
  writer.add('t', 1, events.slice(0, 1));
  await writer.flush();
  writer.add('t', 2, events.slice(1, 3));
  stream.losesAnswer = false;
  writer.add('t', 4, events.slice(3));
  await writer.flush();
  writer.onModuleDestroy();
  expect(stream.texts).toEqual(events.map(({ data }) => data));
});
