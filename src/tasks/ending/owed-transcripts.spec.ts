import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import { loadConfig } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { MemoryEventLog } from '../../storage/memory/event-log.memory';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import type { TaskRecords } from '../ledger/task-records.port';
import type { HeldTranscript } from '../task/storing-transcript';
import type { TaskEnding, TaskEvent } from '../task/task';
import { transcriptOf } from '../transcript/transcript';
import { OwedTranscripts } from './owed-transcripts';

const ROUND_MS = 1000;

let journal: MemoryTaskJournal;
let log: MemoryEventLog;
let alarms: Alarms;
let isDurable: boolean;
let failing: Set<string> | 'all';
let stored: Map<string, string>;
let told: string[];
/** What the process before held. */
let heldBefore: HeldTranscript[];
/** What was stored whenever that was let go of. */
let letGo: string[];
/** Whether it can be. */
let isLetGo: boolean;
/** How many puts there were. */
let puts: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  journal = new MemoryTaskJournal();
  log = new MemoryEventLog(loadConfig({}).config, journal);
  alarms = new Alarms(Object.assign(new Clock(), { nowMs: () => Date.now() }));
  [isDurable, failing, stored, told] = [true, 'all', new Map(), []];
  [heldBefore, letGo, isLetGo, puts] = [[], [], true, 0];
});
afterEach(() => {
  alarms.onModuleDestroy();
  vi.useRealTimers();
});

/** Of the process that is on, or of the next one. */
function start(): OwedTranscripts {
  const artifacts = {
    put: async ({ json }: { json: string }, _kind: string, taskId: string) => {
      puts++;
      if (failing === 'all' || failing.has(taskId)) throw new ServiceError('STORAGE_FULL');
      stored.set(taskId, json);
    },
  } as unknown as ArtifactStore;
  const records = {
    find: async (taskId: string) => journal.find(taskId),
    heldTranscripts: async () => heldBefore.splice(0),
    transcriptsStored: async () => {
      if (!isLetGo) throw new ServiceError('STORAGE_UNAVAILABLE');
      letGo.push([...stored.keys()].sort().join(' '));
    },
    withoutTranscript: (limit: number) => journal.withoutTranscript(limit),
    nameTranscript: async (taskId: string, artifactId: string) => {
      if (isDurable) await journal.nameTranscript(taskId, artifactId);
      return isDurable;
    },
  } as unknown as TaskRecords;
  const logger = new Logger({ logLevel: 'info', logFormat: 'json' }, { write: line => void told.push(line) });
  return new OwedTranscripts(log, artifacts, records, alarms, new Narrator(logger));
}

const token = (text: string): TaskEvent => ({ type: 'token', data: JSON.stringify({ t: text }) });
const end: TaskEvent = { type: 'end', data: '{"tokens_out":1}' };
const failure: Partial<TaskEnding> = { state: 'failed', code: 'WORKER_RESET', message: 'It broke off.' };

/** A task that ended as {@link Finisher} ends it while its transcript cannot be stored. */
async function ended(taskId: string, events: readonly TaskEvent[], more: Partial<TaskEnding> = {}): Promise<void> {
  const { transcriptArtifactId: _, ...ending } = endingOf(taskId, more);
  await journal.admit(plainSpec(taskId), factsOf(taskId.charCodeAt(0)));
  log.open(taskId);
  log.append(taskId, events.slice(0, -1));
  await journal.end(ending);
  log.append(taskId, events.slice(-1));
}

/** And the turns that putting a long transcript together takes. */
async function round(): Promise<void> {
  await vi.advanceTimersByTimeAsync(ROUND_MS);
  for (let n = 0; n < 20; n++) await turn();
}

const nameOf = async (taskId: string): Promise<string | undefined> =>
  (await journal.find(taskId))?.ending?.transcriptArtifactId;

it('stores a transcript once there is room, and names it (B-STO-005)', async () => {
  const owed = start();
  await ended('a', [token('x'), end]);
  await owed.owe('a', log.events('a'));
  log.drop('a');
  await round();
  expect([(await owed.read('a'))?.json, await nameOf('a')]).toEqual([expect.stringContaining('"x"'), undefined]);
  failing = new Set();
  await round();
  expect(await nameOf('a')).toMatch(/^[0-9a-f]{64}$/);
  expect([stored.get('a'), await owed.read('a')]).toEqual([expect.stringContaining('"tokens_out":1'), undefined]);
  expect(told).toEqual([]);
});

it('waits for an ending that is not durable itself', async () => {
  const owed = start();
  await ended('a', [token('x'), end]);
  await owed.owe('a', log.events('a'));
  [failing, isDurable] = [new Set(), false];
  await round();
  expect([await nameOf('a'), await owed.read('a')]).toEqual([undefined, expect.anything()]);
  isDurable = true;
  await round();
  expect(await nameOf('a')).toBeDefined();
});

it('lets none that is refused for itself stand in the way of others', async () => {
  const owed = start();
  failing = new Set(['a']);
  for (const taskId of ['a', 'b', 'c']) {
    await ended(taskId, [token(taskId), end]);
    await owed.owe(taskId, log.events(taskId));
  }
  for (let n = 0; n < 3; n++) await round();
  expect([...stored.keys()].sort()).toEqual(['b', 'c']);
  expect(await owed.read('a')).toBeDefined();
});

it('holds no more than its bound, and takes the rest from the copied events', async () => {
  const owed = start();
  const large = token('x'.repeat(12 * 1024 * 1024));
  for (const taskId of ['a', 'b', 'c']) {
    await ended(taskId, [large, end]);
    await owed.owe(taskId, log.events(taskId));
    log.drop(taskId);
  }
  const copied = vi.spyOn(journal, 'readEvents');
  for (const taskId of ['a', 'b', 'c']) expect((await owed.read(taskId))?.json).toContain('xxx');
  expect(copied.mock.calls).toEqual([['c']]);
  failing = new Set();
  await round();
  expect([...stored.keys()]).toEqual(['a', 'b', 'c']);
});

it('stores after a restart what was copied before (B-STO-005)', async () => {
  await ended('whole', [token('x'), end]);
  await ended('interrupted', [token('x'), { ...end, type: 'error', seq: 1_000_000_001 }], failure);
  failing = new Set();
  log = new MemoryEventLog(loadConfig({}).config, journal);
  await start().resume();
  await round();
  expect(stored.get('whole')).toBe(
    '{"events":[{"data":{"t":"x"},"type":"token"},{"data":{"tokens_out":1},"type":"end"}]}',
  );
  expect(stored.get('interrupted')).toContain('"seq":1000000001');
  expect(await journal.withoutTranscript(10)).toEqual([]);
});

/** A task that ended while the store did not have its transcript yet: that was held beside the ending. */
async function endedWithHeld(taskId: string, text = 'x'): Promise<void> {
  await ended(taskId, [token(text), end]);
  heldBefore.push({ taskId, transcript: await transcriptOf(log.events(taskId)) });
}

describe('what the process before held', () => {
  it('is stored and named when the start goes on, and let go of then', async () => {
    for (const taskId of ['a', 'b']) await endedWithHeld(taskId);
    failing = new Set();
    const owed = start();
    await owed.resume();
    expect([stored.get('a'), await nameOf('a'), await nameOf('b')]).toEqual([
      expect.stringContaining('"t":"x"'),
      expect.stringMatching(/^[0-9a-f]{64}$/),
      await nameOf('a'),
    ]);
    expect(letGo).toEqual(['a b']);
    await round();
    expect([letGo, puts, await owed.read('a')]).toEqual([['a b'], 2, undefined]);
  });

  it('is held where the store does not take it, and let go of once it has all of it', async () => {
    for (const taskId of ['a', 'b']) await endedWithHeld(taskId);
    failing = new Set(['b']);
    log = new MemoryEventLog(loadConfig({}).config, new MemoryTaskJournal()); // No event of them was copied.
    const owed = start();
    await owed.resume();
    expect([await nameOf('a'), await nameOf('b')]).toEqual([expect.anything(), undefined]);
    expect((await owed.read('b'))?.json).toContain('"t":"x"');
    await round();
    expect(letGo).toEqual([]);
    failing = new Set();
    await round();
    expect([letGo, await nameOf('b')]).toEqual([['a b'], expect.anything()]);
  });

  it('is let go of though one that is owed besides is refused again and again', async () => {
    await endedWithHeld('a');
    failing = 'all';
    const owed = start();
    await owed.resume();
    await ended('b', [token('x'), end]);
    await owed.owe('b', log.events('b'));
    failing = new Set(['b']);
    await round();
    expect(letGo).toEqual(['a']);
  });

  it('is held beyond the bound too: it would be nowhere else', async () => {
    const large = 'x'.repeat(12 * 1024 * 1024);
    for (const taskId of ['a', 'b', 'c']) await endedWithHeld(taskId, large);
    log = new MemoryEventLog(loadConfig({}).config, new MemoryTaskJournal());
    const owed = start();
    await owed.resume();
    for (let n = 0; n < 3; n++) await round();
    failing = new Set();
    await round();
    expect([[...stored.keys()].sort(), letGo, told]).toEqual([['a', 'b', 'c'], ['a b c'], []]);
  });

  it('is asked to be let go of again where that failed', async () => {
    await endedWithHeld('a');
    failing = new Set();
    const owed = start();
    isLetGo = false;
    await owed.resume();
    expect([await nameOf('a'), letGo]).toEqual([expect.anything(), []]);
    isLetGo = true;
    await round();
    expect(letGo).toEqual(['a']);
  });

  it('is not asked of a store over and over that takes none of it', async () => {
    for (let n = 0; n < 600; n++) heldBefore.push({ taskId: `t${n}`, transcript: await transcriptOf([end]) });
    await start().resume();
    expect(puts).toBe(256);
  });
});

it('ends as after a kill what was copied in part, where the journal knows how; else says that it is lost', async () => {
  for (const [taskId, more] of [
    ['failed', failure],
    ['completed', {}],
  ] as const) {
    await journal.admit(plainSpec(taskId), factsOf(taskId.charCodeAt(0)));
    journal.copyEvents(taskId, 1, [token('x')]);
    const { transcriptArtifactId: _, ...ending } = endingOf(taskId, more);
    await journal.end(ending);
  }
  failing = new Set();
  await start().resume();
  await round();
  const { events } = JSON.parse(stored.get('failed') ?? '{}') as { events: unknown[] };
  expect(events).toMatchObject([
    { type: 'token' },
    { type: 'error', seq: 1_000_000_001, data: { code: 'WORKER_RESET' } },
  ]);
  expect(stored.has('completed')).toBe(false);
  expect(told.map(line => JSON.parse(line) as unknown)).toMatchObject([
    { event: 'transcript_lost', job_id: 'completed' },
  ]);
});
