import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/config';
import { MemoryEventLog } from '../../storage/memory/event-log.memory';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import type { TaskEvent } from '../task/task';
import { endedFeed, logFeed } from './event-feed';
import { endEvent, tokenEvent } from '../events/task-events';

const end = endEvent({ tokens_out: 2, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const events: readonly TaskEvent[] = [tokenEvent(0, 'a'), tokenEvent(1, 'b'), end];

describe('endedFeed', () => {
  it('gives what the log gave, in the same frames, wherever the reader stands', async () => {
    const log = new MemoryEventLog(loadConfig({}).config, new MemoryTaskJournal());
    log.open('t', events);
    for (const seen of [0, 1, 2, 3, 4]) {
      expect(endedFeed(events).read(seen, 1000)).toEqual(log.read('t', seen, 1000, false));
    }
  });

  it('gives the terminal event after a gap to whoever is before it', async () => {
    const feed = endedFeed([tokenEvent(0, 'a'), { ...end, seq: 1001 }]);
    for (const seen of [1, 2, 1000]) {
      const chunk = await feed.read(seen, 1000);
      expect(chunk).toEqual({
        frames: Buffer.from(`id: 1001\nevent: end\ndata: ${end.data}\n\n`),
        lastSeq: 1001,
        terminal: true,
      });
    }
    expect(await feed.read(1001, 1000)).toBeUndefined();
  });
});

describe('logFeed', () => {
  it('goes on from the transcript when the log went before anybody followed it', async () => {
    const log = new MemoryEventLog(loadConfig({ ORCHD_EVENT_CACHE_BYTES: '0' }).config, new MemoryTaskJournal());
    log.open('t', events);
    const feed = logFeed(log, 't', false, async () => endedFeed(events));
    log.seal('t');
    expect(log.tail('t')).toBeUndefined();
    let wakes = 0;
    feed.follow(() => wakes++);
    expect(wakes).toBe(1);
    expect(await feed.read(1, 1000)).toEqual(await endedFeed(events).read(1, 1000));
  });

  it('goes on from the transcript when the log went between two reads of one who does not follow', async () => {
    const log = new MemoryEventLog(loadConfig({ ORCHD_EVENT_CACHE_BYTES: '0' }).config, new MemoryTaskJournal());
    log.open('t', events);
    const feed = logFeed(log, 't', false, async () => endedFeed(events));
    expect(await feed.read(0, 1)).toMatchObject({ lastSeq: 1, terminal: false });
    log.seal('t');
    expect(log.tail('t')).toBeUndefined();
    for (const seen of [1, 2]) {
      expect(await feed.read(seen, 1)).toEqual(await endedFeed(events).read(seen, 1));
    }
  });

  it('has nothing more for one who does not follow, while the log is there and has nothing more', async () => {
    const log = new MemoryEventLog(loadConfig({}).config, new MemoryTaskJournal());
    log.open('t', events.slice(0, 1));
    const feed = logFeed(log, 't', false, () => Promise.reject(new Error('it was asked for')));
    expect(await feed.read(1, 1000)).toBeUndefined();
    log.append('t', events.slice(1));
    expect(await feed.read(1, 1000)).toMatchObject({ lastSeq: 3, terminal: true });
  });
});
