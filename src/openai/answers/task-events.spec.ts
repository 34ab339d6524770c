import { Subject } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import type { EventLog, LogTail } from '../../tasks/events/event-log.port';
import type { LiveTask, TaskLedger } from '../../tasks/ledger/task-ledger.port';
import type { TaskRecord, TaskRecords } from '../../tasks/ledger/task-records.port';
import type { StreamLookup } from '../../tasks/stream/stream-lookup';
import { TaskEnds } from './task-ends';
import { TaskEvents } from './task-events.service';

const { transcriptArtifactId: named, ...unnamed } = endingOf('t');

let record: TaskRecord | undefined;
let deleted: string[];
let dropped: string[];
let events: TaskEvents;
let tail: LogTail | undefined;
let live: LiveTask | undefined;
let more: Subject<void>;

const recordOf = (more: Partial<TaskRecord>): TaskRecord => ({
  ...{ spec: plainSpec('t'), facts: factsOf(1), state: 'completed', attempts: 1 },
  ...more,
});

beforeEach(() => {
  [record, deleted, dropped] = [undefined, [], []];
  [tail, live, more] = [undefined, undefined, new Subject()];
  const log = {
    drop: (taskId: string) => void dropped.push(taskId),
    tail: () => tail,
    follow: () => more,
  } as unknown as EventLog;
  events = new TaskEvents(
    {} as StreamLookup,
    log,
    { find: async () => live } as unknown as TaskLedger,
    { find: () => record } as unknown as TaskRecords,
    { delete: async (id: string) => void deleted.push(id) } as unknown as ArtifactStore,
    new TaskEnds(log),
  );
});

describe('what a task has put out', () => {
  it('is forgotten with the transcript that its ending names', async () => {
    record = recordOf({ ending: endingOf('t') });
    await events.forget('t');
    expect([dropped, deleted]).toEqual([['t'], [named]]);
  });

  it.each([
    [true, ['transcript-id']],
    [false, []],
  ])('is forgotten with a transcript that is being stored, once it is (%s)', async (isStored, expected) => {
    const transcript = new PendingTranscript();
    record = recordOf({ ending: unnamed, transcript });
    const forgotten = events.forget('t');
    await Promise.resolve();
    expect([transcript.isHurried, deleted]).toEqual([true, []]);
    transcript.tell(isStored);
    await forgotten;
    expect([dropped, deleted]).toEqual([['t'], expected]);
  });

  it('is its log where it is not known, or live', async () => {
    await events.forget('t');
    record = recordOf({ state: 'streaming' });
    await events.forget('t');
    expect([dropped, deleted]).toEqual([['t', 't'], []]);
  });
});

describe('whether a task has ended', () => {
  it.each([
    ['its last event is here', { lastSeq: 2, terminal: true }, true],
    ['its last event is here from another node', { lastSeq: 2, terminal: true, mayLag: true }, true],
    ['it is written here', { lastSeq: 1, terminal: false }, false],
    ['nobody knows it', undefined, true],
  ])('is told at once where %s', async (_what, found, expected) => {
    tail = found;
    await expect(events.hasEnded('t')).resolves.toBe(expected);
  });

  it.each([undefined, { lastSeq: 1, terminal: false, mayLag: true }])(
    'is told at once where another node runs it (its log here: %o)',
    async found => {
      [tail, live] = [found, {} as LiveTask];
      await expect(events.hasEnded('t')).resolves.toBe(false);
    },
  );

  it.each(['comes', 'is in its transcript alone'])(
    'is told once its last event %s, where it has ended at another node',
    async how => {
      tail = { lastSeq: 1, terminal: false, mayLag: true };
      let told: boolean | undefined;
      const telling = events.hasEnded('t').then(hasEnded => (told = hasEnded));
      await new Promise(setImmediate);
      expect([told, more.observed]).toEqual([undefined, true]);
      if (how === 'comes') {
        tail = { ...tail, lastSeq: 2, terminal: true };
        more.next();
      } else more.complete();
      await telling;
      expect([told, more.observed]).toEqual([true, false]);
    },
  );
});
