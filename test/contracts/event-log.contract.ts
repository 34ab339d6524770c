import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../support/deadline';
import type { EventLog, LogChunk } from '../../src/tasks/events/event-log.port';
import { endEvent, metricsEvent, tokenEvent } from '../../src/tasks/events/task-events';
import { isTerminal, type TaskEvent } from '../../src/tasks/task/task';

/** A log, and where its copies are. */
export interface EventLogUnderTest {
  readonly log: EventLog;
  /** The store has this task from here on: only of such a one are copies kept. */
  admitted(taskId: string): Promise<void>;
  /** What is dropped here can be read from the store for a while. */
  readonly outlivesDrop?: boolean;
  /** Another process on the same store, after this one was killed; what was appended before has had the time to be copied. */
  reopen(): Promise<EventLogUnderTest>;
  close(): Promise<void>;
}

export interface EventLogOptions {
  /** Ended logs are kept for late readers within so many bytes. */
  readonly cacheBytes?: number;
}

const end = endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const MAX_BYTES = 1_000_000;

/** What the frames of a stream are, by its rules alone: numbered from 1, the verbose form where there is one and it is wanted. */
function framesOf(events: readonly TaskEvent[], verbose: boolean): string[] {
  return events.map(({ type, data, verboseData, seq }, at) => {
    const shown = verbose ? (verboseData ?? data) : data;
    return `id: ${seq ?? at + 1}\nevent: ${type}\ndata: ${shown}\n\n`;
  });
}

function numberOf(events: readonly TaskEvent[], at: number): number {
  return events[at]?.seq ?? at + 1;
}

/** Events without what only verbose readers get. */
function plain(events: readonly TaskEvent[]): TaskEvent[] {
  return events.map(({ verboseData: _, ...event }) => event);
}

async function readAll(
  log: EventLog,
  id: string,
  from = 0,
  maxBytes = MAX_BYTES,
  verbose = false,
): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for (let after = from; ;) {
    const chunk = await log.read(id, after, maxBytes, verbose);
    if (!chunk) return chunks;
    expect(chunk.lastSeq).toBeGreaterThan(after);
    chunks.push(chunk);
    after = chunk.lastSeq;
  }
}

const textOf = (chunks: readonly LogChunk[]): string => chunks.map(({ frames }) => frames.toString()).join('');

const anEvent: fc.Arbitrary<TaskEvent> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.nat(99), fc.string({ unit: 'binary', maxLength: 30 }))
      .map(([i, t]) => tokenEvent(i, t.toWellFormed())),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }).map(human =>
      metricsEvent(
        {
          queue_depth: 0,
          on_time_probability: 1,
          kv_warmth: 0,
          tokens_out: 1,
          tokens_budget_remaining: 1,
          time_budget_remaining_ms: 1,
          cost_budget_remaining: 1,
        },
        human.toWellFormed(),
        [],
      ),
    ),
  },
);

/** The promises of {@link EventLog}, for each driver. */
export function eventLogContract(make: (options?: EventLogOptions) => Promise<EventLogUnderTest>): void {
  let under: EventLogUnderTest;
  let log: EventLog;

  const use = async (options?: EventLogOptions): Promise<void> => {
    await under.close();
    under = await make(options);
    log = under.log;
  };

  beforeEach(async () => {
    under = await make();
    log = under.log;
  });
  afterEach(() => under.close());

  it('gives each cursor every event once, in order, wherever it reads from, how much at a time, and in which form', async () => {
    const batches = fc.array(fc.array(anEvent, { minLength: 1, maxLength: 6 }), { maxLength: 12 });
    const cursors = fc.array(
      fc.record({ from: fc.nat(80), maxBytes: fc.integer({ min: 1, max: 400 }), verbose: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(batches, cursors, fc.boolean(), fc.nat(5), async (all, readers, isEnded, gap) => {
        const id = `t${++round}`;
        log.open(id);
        const events: TaskEvent[] = [];
        const at = readers.map(({ from }) => ({ seq: from, text: '' }));
        const readOn = async (): Promise<void> => {
          for (const [index, { maxBytes, verbose }] of readers.entries()) {
            const cursor = at[index];
            if (!cursor) continue;
            const chunks = await readAll(log, id, cursor.seq, maxBytes, verbose);
            cursor.text += textOf(chunks);
            cursor.seq = chunks.at(-1)?.lastSeq ?? cursor.seq;
          }
        };
        for (const batch of all) {
          log.append(id, batch);
          events.push(...batch);
          await readOn();
        }
        if (isEnded) {
          const terminal = gap === 0 ? end : { ...end, seq: events.length + 1 + gap };
          log.append(id, [terminal]);
          events.push(terminal);
          await readOn();
        }
        for (const [index, { from, verbose }] of readers.entries()) {
          // A cursor past the end of what there was by then has missed it by its own choice.
          const frames = framesOf(events, verbose).filter((_, place) => numberOf(events, place) > from);
          expect(at[index]?.text).toBe(frames.join(''));
        }
        expect(await log.tail(id)).toEqual({
          lastSeq: events.length === 0 ? 0 : numberOf(events, events.length - 1),
          terminal: isEnded,
        });
        expect(await log.events(id)).toEqual(plain(events));
        log.drop(id);
      }),
      { numRuns: 60 },
    );
  });

  it('gives about as much as is asked for, one event at least, and says when nothing follows', async () => {
    log.open('t');
    const events = Array.from({ length: 50 }, (_, i) => tokenEvent(i, 'x'.repeat(20)));
    log.append('t', [...events, end]);
    const frameBytes = framesOf(events, false)[10]?.length ?? 0;
    const chunks = await readAll(log, 't', 0, 10 * frameBytes);
    for (const chunk of chunks.slice(0, -1)) {
      expect(chunk.terminal).toBe(false);
      expect(chunk.frames.length).toBeLessThanOrEqual(11 * frameBytes);
      expect(chunk.frames.length).toBeGreaterThanOrEqual(9 * frameBytes - 20);
    }
    expect(chunks.at(-1)).toMatchObject({ terminal: true, lastSeq: 51 });
    expect((await readAll(log, 't', 0, 1)).length).toBe(51);
    expect(await log.read('t', 51, MAX_BYTES, false)).toBeUndefined();
  });

  it('gives the terminal event behind a gap to whoever is before it, wherever in the gap', async () => {
    const terminal = { ...end, seq: 1002 };
    log.open('t', [tokenEvent(0, 'a'), tokenEvent(1, 'b')]);
    log.append('t', [terminal]);
    for (const seen of [2, 3, 1001]) {
      const chunk = await log.read('t', seen, MAX_BYTES, false);
      expect([chunk?.frames.toString(), chunk?.lastSeq, chunk?.terminal]).toEqual([
        `id: 1002\nevent: end\ndata: ${end.data}\n\n`,
        1002,
        true,
      ]);
    }
    expect(await log.read('t', 1002, MAX_BYTES, false)).toBeUndefined();
    expect(await log.read('t', 5000, MAX_BYTES, false)).toBeUndefined();
  });

  it('never changes what it has given out', async () => {
    log.open('t');
    log.append('t', [tokenEvent(0, 'a')]);
    const first = await log.read('t', 0, MAX_BYTES, false);
    const before = first?.frames.toString();
    for (let i = 1; i < 300; i++) log.append('t', [tokenEvent(i, 'y'.repeat(50))]);
    expect(first?.frames.toString()).toBe(before);
    expect(first?.lastSeq).toBe(1);
  });

  it('takes nothing behind the terminal event, nor for a log that it does not have', async () => {
    log.open('t');
    log.append('t', [end]);
    for (const append of [() => log.append('t', [tokenEvent(0, 'late')]), () => log.append('unknown', [end])])
      expect(append).toThrow();
    expect(await log.tail('t')).toEqual({ lastSeq: 1, terminal: true });
    expect(await log.tail('unknown')).toBeUndefined();
    expect(await log.read('unknown', 0, MAX_BYTES, false)).toBeUndefined();
  });

  it('says how large a log has become, by what its readers will get', () => {
    log.open('t');
    const small = log.append('t', [tokenEvent(0, 'a')]);
    const large = log.append('t', [tokenEvent(1, 'é'.repeat(1000))]);
    expect(large - small).toBeGreaterThanOrEqual(2000);
    expect(large - small).toBeLessThan(2200);
  });

  it('wakes whoever follows when there is more, and tells them when the log is dropped', async () => {
    log.open('t');
    let wakes = 0;
    let isOver = false;
    log.follow('t').subscribe({ next: () => wakes++, complete: () => (isOver = true) });
    for (const batch of [[tokenEvent(0, 'a')], [tokenEvent(1, 'b'), tokenEvent(2, 'c')], [end]]) {
      const before = wakes;
      log.append('t', batch);
      await expect.poll(() => wakes, { timeout: LAST_RESORT_MS }).toBeGreaterThan(before);
    }
    expect(isOver).toBe(false);
    log.drop('t');
    await expect.poll(() => isOver, { timeout: LAST_RESORT_MS }).toBe(true);
    if (under.outlivesDrop !== true) expect(await log.tail('t')).toBeUndefined();
  });

  it('keeps logs apart', async () => {
    for (const id of ['a', 'b']) log.open(id);
    log.append('a', [tokenEvent(0, 'of a')]);
    log.append('b', [tokenEvent(0, 'of b'), end]);
    expect(await log.events('a')).toEqual([tokenEvent(0, 'of a')]);
    log.drop('b');
    expect(await log.tail('a')).toEqual({ lastSeq: 1, terminal: false });
  });

  it('opened again is empty', async () => {
    log.open('t');
    log.append('t', [tokenEvent(0, 'a'), end]);
    log.open('t');
    expect(await log.tail('t')).toEqual({ lastSeq: 0, terminal: false });
  });

  it('drops sealed logs, oldest first, when their memory is wanted, but none that is read or not sealed', async ({
    skip,
  }) => {
    if (under.outlivesDrop === true) skip();
    // Two of them fit, whatever else a driver counts for a log beside its frames.
    await use({ cacheBytes: 6000 });
    for (const id of ['open', 'a', 'b', 'c']) {
      log.open(id);
      log.append(id, [tokenEvent(0, 'x'.repeat(600)), end]);
    }
    const reading = log.follow('a').subscribe();
    for (const id of ['a', 'b', 'c']) log.seal(id);
    const kept = async (): Promise<string[]> => {
      const there: string[] = [];
      for (const id of ['open', 'a', 'b', 'c']) if (await log.tail(id)) there.push(id);
      return there;
    };
    expect(await kept()).toEqual(['open', 'a', 'c']);
    reading.unsubscribe();
  });

  describe('after a kill', () => {
    it('has all that was appended, from the first event on', async () => {
      for (const id of ['t', 'u']) await under.admitted(id);
      const events = [tokenEvent(0, 'a'), tokenEvent(1, '\u2028 "\\'), tokenEvent(2, 'c')];
      log.open('t');
      log.append('t', events.slice(0, 2));
      log.append('t', events.slice(2));
      log.open('u');
      log.append('u', [tokenEvent(0, 'of u')]);
      under = await under.reopen();
      log = under.log;
      expect(plain(await log.kept('t'))).toEqual(events);
      expect(plain(await log.kept('u'))).toEqual([tokenEvent(0, 'of u')]);
      expect(await log.kept('nobody')).toEqual([]);
    });

    it('goes on with what was kept', async () => {
      await under.admitted('t');
      log.open('t');
      log.append('t', [tokenEvent(0, 'a'), tokenEvent(1, 'b')]);
      under = await under.reopen();
      log = under.log;
      const kept = await log.kept('t');
      log.open('t', kept);
      const terminal = { ...end, seq: kept.length + 100 };
      log.append('t', [terminal]);
      expect(textOf(await readAll(log, 't', 1))).toBe(
        framesOf([...kept, terminal], false)
          .slice(1)
          .join(''),
      );
      expect(kept.filter(isTerminal)).toEqual([]);
    });
  });
}
