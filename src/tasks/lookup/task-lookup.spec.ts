import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import { Lifecycle } from '../../lifecycle/lifecycle';
import type { TaskRecord, TaskRecords } from '../ledger/task-records.port';
import { TaskLookup } from './task-lookup';

const { transcriptArtifactId: _, ...ending } = endingOf('a');
const record: TaskRecord = {
  ...{ spec: plainSpec('a'), facts: factsOf(1), state: 'completed', attempts: 1 },
  ending,
};

let transcript: PendingTranscript;
let lookup: TaskLookup;

beforeEach(() => {
  transcript = new PendingTranscript();
  const storing = { ...record, transcript };
  const records = {
    find: (taskId: string) => ({ storing, a: record })[taskId],
    list: () => Promise.resolve([record, storing]),
  } as unknown as TaskRecords;
  const lifecycle = new Lifecycle();
  lifecycle.ready();
  lookup = new TaskLookup(records, lifecycle);
});

async function isPending(work: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  void work.then(() => (isOver = true));
  await turn();
  return !isOver;
}

describe('a task whose transcript is being stored', () => {
  it.each([true, false])(
    'is got once it is known whether it is, which is hurried; named if so (%s)',
    async isStored => {
      const got = lookup.get('storing');
      expect([await isPending(got), transcript.isHurried]).toEqual([true, true]);
      transcript.tell(isStored);
      expect(await got).toEqual(
        isStored ? { ...record, ending: { ...ending, transcriptArtifactId: transcript.id } } : record,
      );
      expect(await got).not.toHaveProperty('transcript');
    },
  );

  it('is got at once where that is asked for, with the transcript', async () => {
    expect(await lookup.getAtOnce('storing')).toEqual({ ...record, transcript });
    expect(transcript.isHurried).toBe(false);
  });

  it('is waited for in a list too', async () => {
    const listed = lookup.list({ limit: 2 });
    expect([await isPending(listed), transcript.isHurried]).toEqual([true, true]);
    transcript.tell(true);
    expect(await listed).toEqual([record, { ...record, ending: { ...ending, transcriptArtifactId: transcript.id } }]);
  });
});

it('waits for nothing where no transcript is being stored', async () => {
  expect(await lookup.get('a')).toBe(record);
});

it('says that it does not know a task, or not yet', async () => {
  await expect(lookup.get('b')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  await expect(lookup.getAtOnce('b')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  const early = new TaskLookup({} as TaskRecords, new Lifecycle());
  await expect(early.getAtOnce('a')).rejects.toMatchObject({ code: 'NOT_READY' });
});
