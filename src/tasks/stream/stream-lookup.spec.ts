import { describe, expect, it, vi } from 'vitest';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import type { ArtifactStore, CanonicalDocument } from '../../artifacts/artifact-store.port';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { OwedTranscripts } from '../ending/owed-transcripts';
import type { EventLog } from '../events/event-log.port';
import { endEvent } from '../events/task-events';
import type { TaskRecord } from '../ledger/task-records.port';
import type { TaskLookup } from '../lookup/task-lookup';
import { transcriptOf } from '../transcript/transcript';
import type { EventFeed } from './event-feed';
import { StreamLookup } from './stream-lookup';

const end = endEvent({ tokens_out: 0, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const document = (): Promise<CanonicalDocument> => transcriptOf([end]);

/** What is known of a task, beside its transcript in the artifact store. */
interface Known {
  /** What each look at it finds. */
  readonly getAtOnce: TaskLookup['getAtOnce'];
  readonly hasLog?: boolean;
  readonly owed?: CanonicalDocument;
}

async function lookupOver({ getAtOnce, hasLog = false, owed }: Known): Promise<StreamLookup> {
  const stored = await document();
  const frames = { frames: Buffer.from('of the log'), lastSeq: 1, terminal: true };
  return new StreamLookup(
    { getAtOnce } as unknown as TaskLookup,
    {
      tail: () => (hasLog ? { lastSeq: 1, terminal: true } : undefined),
      read: () => frames,
    } as unknown as EventLog,
    { get: (id: string) => Promise.resolve(id === stored.id ? stored.json : undefined) } as ArtifactStore,
    { read: () => Promise.resolve(owed) } as unknown as OwedTranscripts,
    { started: Promise.resolve() } as Lifecycle,
  );
}

async function recordOf(isNamed: boolean, more: Partial<TaskRecord> = {}): Promise<TaskRecord> {
  const ending = isNamed ? { transcriptArtifactId: (await document()).id } : {};
  return { spec: { taskId: 't' }, ending, ...more } as TaskRecord;
}

/** A task that has ended, whose log is here no more; at each look it is as the next of these records says. */
async function lookupOf(...names: readonly boolean[]): Promise<StreamLookup> {
  const getAtOnce = vi.fn<TaskLookup['getAtOnce']>();
  for (const isNamed of names) getAtOnce.mockResolvedValueOnce(await recordOf(isNamed));
  return lookupOver({ getAtOnce });
}

async function textOf(feed: EventFeed): Promise<string | undefined> {
  return (await feed.read(0, 1000))?.frames.toString();
}

it('finds a transcript that was stored, and so was owed no more, between two looks at its task', async () => {
  const lookup = await lookupOf(false, false, true);
  expect((await lookup.find('t', 0, false)).atEnd).toBe(false);
});

it('says that a transcript is gone which is neither named nor owed', async () => {
  const lookup = await lookupOf(false, false, false);
  await expect(lookup.find('t', 0, false)).rejects.toThrow(expect.objectContaining({ code: 'TRANSCRIPT_GONE' }));
});

it('gives a transcript that is being stored as it is, and waits for nothing', async () => {
  const transcript = Object.assign(new PendingTranscript(), { json: (await document()).json });
  const lookup = await lookupOver({ getAtOnce: () => recordOf(false, { transcript }) });
  expect(await textOf((await lookup.find('t', 0, false)).feed)).toContain('event: end');
  expect(await textOf(await lookup.feedOf('t'))).toContain('event: end');
  expect(transcript.isHurried).toBe(false);
});

describe('the events of a task that is known to be there', () => {
  it('are those of its log, and nobody looks for its record', async () => {
    const getAtOnce = vi.fn<TaskLookup['getAtOnce']>().mockRejectedValue(new Error('it was looked for'));
    const lookup = await lookupOver({ getAtOnce, hasLog: true });
    expect(await textOf(await lookup.feedOf('t'))).toBe('of the log');
    expect(getAtOnce).not.toHaveBeenCalled();
  });

  it('are those of its transcript once the log is gone, be it named or owed', async () => {
    const named = await lookupOf(true);
    expect(await textOf(await named.feedOf('t'))).toContain('event: end');
    const owed = await lookupOver({ getAtOnce: () => recordOf(false), owed: await document() });
    expect(await textOf(await owed.feedOf('t'))).toContain('event: end');
  });

  it('are gone where neither is there', async () => {
    const lookup = await lookupOf(false, false);
    await expect(lookup.feedOf('t')).rejects.toMatchObject({ code: 'TRANSCRIPT_GONE' });
  });
});
