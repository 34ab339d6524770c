import { expect, it } from 'vitest';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import { Lifecycle } from '../../lifecycle/lifecycle';
import type { TaskRecord, TaskRecords } from '../ledger/task-records.port';
import { TaskLookup } from '../lookup/task-lookup';
import { Canceller } from './canceller';
import type { Finisher } from './finisher';

/** Of tasks of which none is live. */
function cancellerOf(record: Partial<TaskRecord> | undefined): Canceller {
  const lifecycle = new Lifecycle();
  lifecycle.ready();
  const lookup = new TaskLookup({ find: () => record } as unknown as TaskRecords, lifecycle);
  return new Canceller(lookup, { cancel: () => Promise.resolve(undefined) } as unknown as Finisher);
}

it('has nothing to do for a task that has ended, and waits for no transcript of it', async () => {
  const transcript = new PendingTranscript();
  await cancellerOf({ ending: {} as NonNullable<TaskRecord['ending']>, transcript }).cancel('t', 'client');
  expect(transcript.isHurried).toBe(false);
});

it('refuses a task that nobody knows', async () => {
  await expect(cancellerOf(undefined).cancel('t', 'client')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
});
