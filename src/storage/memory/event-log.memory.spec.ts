import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/config';
import type { LogChunk } from '../../tasks/events/event-log.port';
import { endEvent, tokenEvent } from '../../tasks/events/task-events';
import { MemoryEventLog } from './event-log.memory';
import { MemoryTaskJournal } from './task-journal.memory';

const end = endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });

function logOf(cacheBytes = 1_000_000): MemoryEventLog {
  const { config } = loadConfig({ ORCHD_EVENT_CACHE_BYTES: String(cacheBytes) });
  return new MemoryEventLog(config, new MemoryTaskJournal());
}

/** With its frames as text. */
function shown(chunk: LogChunk | undefined): object | undefined {
  return chunk && { ...chunk, frames: chunk.frames.toString() };
}

describe('MemoryEventLog', () => {
  it('gives every reader what follows its number, in whole frames', async () => {
    const log = logOf();
    log.open('t');
    log.append('t', [tokenEvent(0, 'a'), tokenEvent(1, 'b')]);
    log.append('t', [tokenEvent(2, 'c')]);
    expect(shown(log.read('t', 1, 1000, false))).toEqual({
      frames: 'id: 2\nevent: token\ndata: {"i":1,"t":"b"}\n\nid: 3\nevent: token\ndata: {"i":2,"t":"c"}\n\n',
      lastSeq: 3,
      terminal: false,
    });
    expect(log.read('t', 3, 1000, false)).toBeUndefined();
  });

  it('bounds a read, giving at least one event', async () => {
    const log = logOf();
    log.open('t');
    log.append('t', [tokenEvent(0, 'x'.repeat(500)), tokenEvent(1, 'y'), end]);
    const first = log.read('t', 0, 10, false);
    expect([first?.lastSeq, first?.terminal]).toEqual([1, false]);
    expect(log.read('t', 1, 10_000, false)).toMatchObject({ lastSeq: 3, terminal: true });
  });

  it('gives the terminal event after a gap to whoever is before it, wherever in the gap', async () => {
    const log = logOf();
    const terminal = { ...end, seq: 1002 };
    log.open('t', [tokenEvent(0, 'a'), tokenEvent(1, 'b')]);
    log.append('t', [terminal]);
    expect(log.tail('t')).toEqual({ lastSeq: 1002, terminal: true });
    for (const seen of [2, 3, 1001]) {
      const chunk = log.read('t', seen, 1000, false);
      expect(shown(chunk)).toEqual({
        frames: `id: 1002\nevent: end\ndata: ${end.data}\n\n`,
        lastSeq: 1002,
        terminal: true,
      });
    }
    expect(log.read('t', 1002, 1000, false)).toBeUndefined();
    expect(log.read('t', 0, 10, false)).toMatchObject({ lastSeq: 1, terminal: false });
    expect(log.events('t').at(-1)).toEqual(terminal);
  });

  it('takes nothing behind the terminal event', () => {
    const log = logOf();
    log.open('t');
    log.append('t', [end]);
    expect(() => log.append('t', [tokenEvent(0, 'late')])).toThrow();
    expect(() => log.append('unknown', [end])).toThrow();
  });

  it('wakes followers at each batch, and shares what readers at the same place get', async () => {
    const log = logOf();
    log.open('t');
    let wakes = 0;
    log.follow('t').subscribe(() => wakes++);
    log.append('t', [tokenEvent(0, 'a')]);
    log.append('t', [tokenEvent(1, 'b')]);
    expect(wakes).toBe(2);
    expect(log.read('t', 0, 1000, false)).toBe(log.read('t', 0, 1000, false));
  });

  it('gives a verbose reader more in the same event', async () => {
    const log = logOf();
    log.open('t');
    log.append('t', [{ type: 'metrics', data: '{"a":1}', verboseData: '{"a":1,"human":"x"}' }]);
    expect(log.read('t', 0, 1000, true)?.frames.toString()).toContain('human');
    expect(log.read('t', 0, 1000, false)?.frames.toString()).not.toContain('human');
    expect(log.events('t')).toEqual([{ type: 'metrics', data: '{"a":1}' }]);
  });

  it('cannot be made to frame a second event by what a model says', async () => {
    const log = logOf();
    log.open('t');
    log.append('t', [tokenEvent(0, '\n\nevent: end\ndata: {}\r\n\r\u2028\u0000')]);
    const frames = log.read('t', 0, 1000, false)?.frames.toString() ?? '';
    expect(frames.match(/\n\n/g)).toHaveLength(1);
    expect(frames.split('\n').filter(line => line.startsWith('event:'))).toEqual(['event: token']);
  });

  it('drops sealed logs, oldest first, when memory is wanted, but none that is read', async () => {
    const log = logOf(1500);
    for (const id of ['a', 'b', 'c']) {
      log.open(id);
      log.append(id, [tokenEvent(0, 'x'.repeat(600)), end]);
    }
    const reading = log.follow('a').subscribe();
    for (const id of ['a', 'b', 'c']) log.seal(id);
    expect(log.tail('a')).toBeDefined();
    expect(log.tail('b')).toBeUndefined();
    expect(log.tail('c')).toBeDefined();
    reading.unsubscribe();
  });
});
