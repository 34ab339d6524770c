import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../crash/random';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import type { SseEvent } from '../support/sse-stream';
import { isTerminal, TaskClient, tokenIndexes, upTo, wireOf } from '../support/task-client';

/* Streams that are cut and picked up again, against readings that were not. */

const STREAMS = 200;
const AT_ONCE = 40;
const TOKENS = 60;
/** A stream that is cut while it runs is cut so often; each time after so many events at most. */
const CUTS = 3;
const BETWEEN_CUTS = TOKENS / CUTS;
/** So many of these cuts come while there is more to come, for the engine stands still behind them until they have been made. */
const LIVE_CUTS = 2;
const STALL_AFTER = LIVE_CUTS * BETWEEN_CUTS + 5;

/** Where an ended task is read from: its log, kept in memory, or its stored transcript. */
const places: { place: string; env: Record<string, string> }[] = [
  { place: 'its log', env: {} },
  { place: 'its transcript', env: { ORCHD_EVENT_CACHE_BYTES: '0' } },
];

describe.each(places)('a stream that was cut, of a task that is read from $place once it ended', ({ place, env }) => {
  const seed = Date.now() % 1_000_000;
  const random = new Random(seed);
  let engine: RunningEngine;
  let service: RunningService;
  let tasks: TaskClient;

  beforeAll(async () => {
    engine = await startEngine({ slots: AT_ONCE, tokensPerSecond: 80 });
    service = await startService({
      env: { ORCHD_LLAMACPP_URL: engine.url, ORCHD_ADMISSION_CAPACITY: String(STREAMS), ...env },
    });
    tasks = new TaskClient(service);
    await tasks.slotsFree(AT_ONCE);
  });
  afterAll(async () => {
    await service.stop();
    await engine.stop();
  });

  /** Goes on after an event, by header or query. */
  const resume = (
    taskId: string,
    last: SseEvent | undefined,
    until?: (event: SseEvent, events: readonly SseEvent[]) => boolean,
  ) => {
    const options = { ...(until && { until }) };
    if (last?.id === undefined) return tasks.read(taskId, options);
    return random.below(2) === 0
      ? tasks.read(taskId, { ...options, lastEventId: last.id })
      : tasks.read(taskId, options, `?last_event_id=${last.id}`);
  };

  /** Reads to the end with up to `cuts` interruptions, each after a random number of events: what came beyond it is lost. */
  async function readInPieces(
    taskId: string,
    cuts: number,
    onCut: (cuts: number) => void = () => undefined,
  ): Promise<{ events: SseEvent[]; cuts: number; live: number }> {
    const events: SseEvent[] = [];
    let live = 0;
    for (let cut = 0; ; cut++) {
      const enough = cut < cuts ? 1 + random.below(TOKENS / cuts) : Infinity;
      const reading = await resume(taskId, events.at(-1), cut < cuts ? (_, read) => read.length >= enough : undefined);
      expect(reading.status).toBe(200);
      events.push(...reading.events.slice(0, enough));
      if (events.some(isTerminal)) return { events, cuts: cut, live };
      if (!reading.ended) live++;
      onCut(cut + 1);
    }
  }

  it(
    `goes on as if it had not been, ${STREAMS} times while the task runs and after it`,
    { timeout: 120_000 },
    async () => {
      let cuts = 0;
      let liveCuts = 0;
      const differing: string[] = [];
      let standing = 0;
      const onCut = (made: number): void => {
        if (made === LIVE_CUTS && --standing === 0) engine.control({ faults: {} });
      };
      const one = async (): Promise<void> => {
        const taskId = await tasks.submit({ max_tokens: TOKENS });
        const [uncut, pieces] = await Promise.all([tasks.read(taskId), readInPieces(taskId, CUTS, onCut)]);
        expect(tokenIndexes(uncut.events)).toEqual(upTo(TOKENS));
        expect(uncut.events.map(({ id }) => Number(id))).toEqual(upTo(uncut.events.length).map(n => n + 1));
        const ended = await readInPieces(taskId, 2);
        cuts += pieces.cuts + ended.cuts;
        liveCuts += pieces.live;
        const expected = wireOf(uncut.events).join('\n');
        for (const { events } of [pieces, ended]) if (wireOf(events).join('\n') !== expected) differing.push(taskId);
      };
      for (let done = 0; done < STREAMS; done += AT_ONCE) {
        standing = AT_ONCE;
        engine.control({ faults: { 'stall-after': STALL_AFTER } });
        await Promise.all(upTo(AT_ONCE).map(one));
      }
      process.stdout.write(
        `resume, then from ${place}: ${STREAMS} streams, ${cuts} cuts (${liveCuts} while events were still to come), ${differing.length} that differ (seed ${seed})\n`,
      );
      expect(differing).toEqual([]);
      expect(liveCuts).toBeGreaterThanOrEqual(LIVE_CUTS * STREAMS);
    },
  );

  it('is the same for readers who come at once, and for one who wants it verbose', async () => {
    const taskId = await tasks.submit({ max_tokens: TOKENS });
    const [first, second, verbose] = await Promise.all([
      tasks.read(taskId),
      tasks.read(taskId),
      tasks.read(taskId, {}, '?verbose=true'),
    ]);
    expect(wireOf(second.events)).toEqual(wireOf(first.events));
    const numbered = verbose.events.filter(({ id }) => id !== undefined);
    const plain = (events: readonly SseEvent[]) => wireOf(events.filter(({ type }) => type !== 'metrics'));
    expect(numbered.map(({ id }) => id)).toEqual(first.events.map(({ id }) => id));
    expect(plain(numbered)).toEqual(plain(first.events));
    for (const event of numbered) {
      const { events } = await tasks.read(taskId, { lastEventId: event.id ?? '' }, '?verbose=true');
      expect(plain(events)).toEqual(plain(first.events.filter(({ id }) => Number(id) > Number(event.id))));
    }
  });

  it('says once when to come back, and nothing more to whom has seen the end', async () => {
    const taskId = await tasks.submit({ max_tokens: 5 });
    const { events } = await tasks.read(taskId);
    const raw = await service.rawRequest(
      `GET /v2/tasks/${taskId}/events HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\nLast-Event-ID: 2\r\n\r\n`,
    );
    expect(raw.body.match(/^retry: \d+$/gm)).toEqual(['retry: 1000']);
    const lastId = Number(events.at(-1)?.id);
    for (const id of [lastId, lastId + 1, 999_999_999_999_999]) {
      for (const again of [
        await tasks.read(taskId, { lastEventId: String(id) }),
        await tasks.read(taskId, {}, `?last_event_id=${id}`),
      ]) {
        expect([again.status, again.body]).toEqual([204, '']);
      }
    }
  });

  it('refuses what is no id of an event, on a live task and on an ended one', async () => {
    const ended = await tasks.submit({ max_tokens: 2 });
    await tasks.read(ended);
    const live = await tasks.submit({ max_tokens: 5000, deadline_ms: 60_000 });
    await tasks.read(live, { until: ({ type }) => type === 'token' });
    for (const taskId of [live, ended]) {
      for (const id of ['x', '-1', '1.5', '1e3', '0x10', ' 1 2', '1'.repeat(16), '\u00b9']) {
        const byHeader = await tasks.read(taskId, { lastEventId: id });
        expect([byHeader.status, id]).toEqual([400, id]);
        expect(JSON.parse(byHeader.body)).toMatchObject({ code: 'INVALID_PARAMS', field: 'last_event_id' });
        const byQuery = await tasks.read(taskId, {}, `?last_event_id=${encodeURIComponent(id)}`);
        expect([byQuery.status, id]).toEqual([400, id]);
        expect(JSON.parse(byQuery.body)).toMatchObject({ code: 'INVALID_PARAMS', field: 'last_event_id' });
      }
    }
    // Not sent yet: nobody can have seen it.
    expect((await tasks.read(live, { lastEventId: '100000' })).status).toBe(400);
    await service.request('POST', `/v2/tasks/${live}/cancel`);
  });

  it('can be picked up by nobody once its task is cancelled, but for its end', async () => {
    const taskId = await tasks.submit({ max_tokens: 5000, deadline_ms: 60_000 });
    const { events } = await tasks.read(taskId, { until: (_, read) => read.length >= 10 });
    await service.request('POST', `/v2/tasks/${taskId}/cancel`);
    const rest = await tasks.read(taskId, { lastEventId: events.at(-1)?.id ?? '' });
    expect(rest.events.at(-1)?.data).toMatchObject({ code: 'CANCELLED' });
    const all = await eventually(
      () => tasks.read(taskId),
      ({ ended }) => ended,
    );
    expect(tokenIndexes([...events, ...rest.events])).toEqual(tokenIndexes(all.events));
  });
});
