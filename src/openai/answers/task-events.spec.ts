import { beforeEach, describe, expect, it } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import type { EventLog } from '../../tasks/events/event-log.port';
import type { TaskLedger } from '../../tasks/ledger/task-ledger.port';
import type { TaskRecord, TaskRecords } from '../../tasks/ledger/task-records.port';
import type { StreamLookup } from '../../tasks/stream/stream-lookup';
import { TaskEvents } from './task-events.service';

const { transcriptArtifactId: named, ...unnamed } = endingOf('t');

let record: TaskRecord | undefined;
let deleted: string[];
let dropped: string[];
let events: TaskEvents;

const recordOf = (more: Partial<TaskRecord>): TaskRecord => ({
  ...{ spec: plainSpec('t'), facts: factsOf(1), state: 'completed', attempts: 1 },
  ...more,
});

beforeEach(() => {
  [record, deleted, dropped] = [undefined, [], []];
  events = new TaskEvents(
    {} as StreamLookup,
    { drop: (taskId: string) => void dropped.push(taskId) } as unknown as EventLog,
    {} as TaskLedger,
    { find: () => record } as unknown as TaskRecords,
    { delete: async (id: string) => void deleted.push(id) } as unknown as ArtifactStore,
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
