import { expect, it, vi } from 'vitest';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { OwedTranscripts } from '../ending/owed-transcripts';
import type { EventLog } from '../events/event-log.port';
import { endEvent } from '../events/task-events';
import type { TaskRecord } from '../ledger/task-records.port';
import type { TaskLookup } from '../lookup/task-lookup';
import { transcriptOf } from '../transcript/transcript';
import { StreamLookup } from './stream-lookup';

/** A task that has ended, whose log is here no more; at each look it is as the next of these records says. */
async function lookupOf(...names: readonly boolean[]): Promise<StreamLookup> {
  const end = endEvent({ tokens_out: 0, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
  const transcript = await transcriptOf([end]);
  const get = vi.fn<TaskLookup['get']>();
  for (const isNamed of names) {
    const ending = isNamed ? { transcriptArtifactId: transcript.id } : {};
    get.mockResolvedValueOnce({ spec: { taskId: 't' }, ending } as TaskRecord);
  }
  return new StreamLookup(
    { get } as unknown as TaskLookup,
    { tail: () => undefined } as unknown as EventLog,
    { get: (id: string) => Promise.resolve(id === transcript.id ? transcript.json : undefined) } as ArtifactStore,
    { read: () => Promise.resolve(undefined) } as unknown as OwedTranscripts,
    { started: Promise.resolve() } as Lifecycle,
  );
}

it('finds a transcript that was stored, and so was owed no more, between two looks at its task', async () => {
  const lookup = await lookupOf(false, false, true);
  expect((await lookup.find('t', 0, false)).atEnd).toBe(false);
});

it('says that a transcript is gone which is neither named nor owed', async () => {
  const lookup = await lookupOf(false, false, false);
  await expect(lookup.find('t', 0, false)).rejects.toThrow(expect.objectContaining({ code: 'TRANSCRIPT_GONE' }));
});
