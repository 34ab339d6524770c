import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { droppedEnding, endingOf, factsOf, placement, plainSpec } from '../../../test/contracts/journal-samples';
import { journalOn } from '../../../test/crash/open-journal';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { JournalRecord } from '../../tasks/journal/task-journal.port';
import { files, openForReading } from './file/journal-file';
import { JournalThread } from './journal-thread';
import { JournalReader } from './tables/journal-reader';
import type { ReaderRequest } from './tables/protocol';
import { decodeRecord } from './tables/record-codec';
import type { SqliteTaskJournal } from './task-journal.sqlite';

let folder: TemporaryFolder;
let journal: SqliteTaskJournal;
/** What the database would wait for. */
let storing: PendingTranscript[];

beforeEach(async () => {
  // The database gets what the log has when a list asks for it, and not by itself.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [folder, storing] = [temporaryFolder(), []];
  ({ journal } = journalOn(folder.path));
  await journal.recover();
  // Admissions come into the log once the ids of the database were read, which is asked of the same thread.
  await journal.find('nobody');
});
afterEach(async () => {
  for (const transcript of storing) if (transcript.isStored === undefined) transcript.tell(false);
  vi.restoreAllMocks();
  await journal.close();
  vi.useRealTimers();
  folder.remove();
});

function transcriptOf(id?: string): PendingTranscript {
  const transcript = new PendingTranscript(id);
  storing.push(transcript);
  return transcript;
}

const takeOver = (): Promise<unknown> => journal.list({ limit: 1 });

/** What the database has of a task. */
function inDatabase(taskId: string): JournalRecord | undefined {
  const db = openForReading(join(folder.path, 'journal'));
  try {
    const found = new JournalReader(db).find(taskId);
    return found && decodeRecord(found.task, found.prompt);
  } finally {
    db.close();
  }
}

const { transcriptArtifactId: _, ...unnamed } = endingOf('a');
const live = { spec: plainSpec('a'), facts: factsOf(1), firstTokenMarked: false };
const marked = { ...live, firstTokenMarked: true, placement };
const ended = { ...marked, spec: plainSpec('a', { prompt: '' }), ending: unnamed };
const life = [
  () => journal.admit(plainSpec('a'), factsOf(1)),
  () => journal.markFirstToken('a', placement),
  () => journal.end(unnamed),
];
const stages = [undefined, live, marked, ended];

describe('a lookup of a task', () => {
  it.each([0, 1, 2, 3])('finds all that is acknowledged where the database has %i of its three writes', async has => {
    for (const write of life.slice(0, has)) await write();
    if (has > 0) await takeOver();
    for (const [at, write] of life.entries()) {
      if (at < has) continue;
      expect(await journal.find('a')).toEqual(stages[at]);
      await write();
    }
    expect(await journal.find('a')).toEqual(ended);
    expect(inDatabase('a')).toEqual(stages[has]);
    await takeOver();
    expect([await journal.find('a'), inDatabase('a')]).toEqual([ended, ended]);
  });

  it.each([
    ['before', true],
    ['before', false],
    ['after', true],
    ['after', false],
  ] as const)(
    'finds it while the database takes its writes over, just %s it is read there (transcript stored: %s)',
    async (when, isStored) => {
      await life[0]?.();
      await takeOver();
      await life[1]?.();
      const transcript = transcriptOf();
      await journal.end(unnamed, undefined, transcript);
      const { call } = JournalThread.prototype;
      const settle = async (): Promise<void> => {
        transcript.tell(isStored);
        await takeOver();
      };
      vi.spyOn(JournalThread.prototype, 'call').mockImplementation(async function (this: unknown, request) {
        const isLookup = (request as ReaderRequest).kind === 'find';
        if (isLookup && when === 'before') await settle();
        const answer = await call.call(this, request);
        if (isLookup && when === 'after') await settle();
        return answer;
      });
      const settled = { ...ended, ending: isStored ? { ...unnamed, transcriptArtifactId: transcript.id } : unnamed };
      expect(await journal.find('a')).toEqual(settled);
      expect(inDatabase('a')).toEqual(settled);
    },
  );

  it('finds it while the database can take nothing, when a list is refused', async () => {
    await journal.admit(plainSpec('a'), factsOf(1));
    await takeOver();
    const database = join(folder.path, 'journal', files.database);
    renameSync(database, `${database}.away`);
    await expect(journal.saveNote('n', 'x')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await journal.markFirstToken('a', placement);
    await journal.admit(plainSpec('b'), factsOf(2));
    await expect(journal.list({ limit: 9 })).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(await journal.find('a')).toEqual(marked);
    expect((await journal.find('b'))?.spec).toEqual(plainSpec('b'));
    renameSync(`${database}.away`, database);
    expect(await journal.list({ limit: 9 })).toMatchObject([{ spec: { taskId: 'b' } }, { firstTokenMarked: true }]);
    expect(await journal.find('a')).toEqual(marked);
  });

  it.each([
    ['in the database', true],
    ['in the log', false],
  ])('finds one that was evicted, whose admission is %s', async (_where, isTakenOver) => {
    await journal.admit(plainSpec('a'), factsOf(1));
    if (isTakenOver) await takeOver();
    await journal.admit(plainSpec('b'), factsOf(2), droppedEnding('a'));
    expect((await journal.find('a'))?.ending).toEqual(droppedEnding('a'));
    const transcript = transcriptOf();
    await journal.end(droppedEnding('a'), undefined, transcript);
    expect(await journal.find('a')).toMatchObject({ ending: droppedEnding('a'), transcript });
    transcript.tell(true);
    const named = { ...droppedEnding('a'), transcriptArtifactId: transcript.id };
    expect((await journal.find('a'))?.ending).toEqual(named);
    await takeOver();
    expect([(await journal.find('a'))?.ending, inDatabase('a')?.ending]).toEqual([named, named]);
  });

  it.each([true, false])(
    'gives the transcript of one that has ended until it is known whether it is stored (%s)',
    async isStored => {
      for (const write of life.slice(0, 2)) await write();
      const transcript = transcriptOf();
      await journal.end(unnamed, undefined, transcript);
      expect(await journal.find('a')).toEqual({ ...ended, transcript });
      expect(transcript.isHurried).toBe(false);
      transcript.tell(isStored);
      await transcript.stored;
      const settled = { ...ended, ending: isStored ? { ...unnamed, transcriptArtifactId: transcript.id } : unnamed };
      expect(await journal.find('a')).toEqual(settled);
      await takeOver();
      expect([await journal.find('a'), inDatabase('a')]).toEqual([settled, settled]);
    },
  );

  it('names the transcript that the ending names which counts, whatever comes after it', async () => {
    for (const write of life.slice(0, 2)) await write();
    await journal.end(endingOf('a'));
    const another = transcriptOf('another');
    await journal.end(unnamed, undefined, another);
    expect((await journal.find('a'))?.ending).toEqual(endingOf('a'));
    another.tell(true);
    expect((await journal.find('a'))?.ending).toEqual(endingOf('a'));
    await takeOver();
    expect((await journal.find('a'))?.ending).toEqual(endingOf('a'));
  });
});
