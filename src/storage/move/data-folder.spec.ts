import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { silentNarrator } from '../../../test/support/ledger';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { canonicalDocument } from '../../artifacts/canonical-json';
import { loadConfig, type Config } from '../../config/config';
import { SqliteTaskJournal } from '../sqlite/task-journal.sqlite';
import { DataFolder } from './data-folder';
import { EmbeddedSource } from './embedded-source';
import type { Moved, MovedKind } from './moved';

const { transcriptArtifactId: _, ...ending } = endingOf('t');
const transcript = canonicalDocument({ events: [{ data: {}, type: 'end' }] });
let folder: TemporaryFolder;
let config: Config;

/** A folder in which a task has ended whose transcript only the journal has. */
beforeEach(async () => {
  folder = temporaryFolder();
  config = loadConfig({ ORCHD_DATA_DIR: folder.path }).config;
  const journal = new SqliteTaskJournal(config, silentNarrator);
  await journal.recover();
  await journal.admit(plainSpec('t'), factsOf(1));
  journal.copyEvents('t', 1, [{ type: 'token', data: '{"t":"x"}' }]);
  await journal.end(ending);
  await journal.close();
  const { recover } = SqliteTaskJournal.prototype;
  vi.spyOn(SqliteTaskJournal.prototype, 'recover').mockImplementation(async function (this: SqliteTaskJournal) {
    const held = [
      { taskId: 'forgotten', transcript: canonicalDocument('of nobody') },
      { taskId: 't', transcript },
    ];
    return { ...(await recover.call(this)), transcripts: held };
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

it('stores and names what the journal held for the artifacts before it is read, and lets go of it then', async () => {
  const data = new DataFolder(config, silentNarrator);
  const named: unknown[] = [];
  vi.spyOn(data.journal, 'transcriptsStored').mockImplementation(async () => {
    named.push((await data.journal.find('t'))?.ending?.transcriptArtifactId, await data.artifacts.get(transcript.id));
  });
  await data.open();
  expect(named).toEqual([transcript.id, transcript.json]);
  await data.close();
});

it('moves it as an artifact of the time at which its task ended, and the task as one that names it', async () => {
  const source = new EmbeddedSource(config, silentNarrator);
  await source.open();
  const all = async <K extends MovedKind>(kind: K): Promise<Moved[K][]> => {
    const found: Moved[K][] = [];
    for await (const each of source.all(kind)) found.push(each);
    return found;
  };
  expect(await all('tasks')).toMatchObject([{ ending: { transcriptArtifactId: transcript.id }, events: [] }]);
  const { endedAtMs: createdAtMs, keptFromMs } = ending;
  const info = { id: transcript.id, taskId: 't', createdAtMs, storedAtMs: Math.floor(keptFromMs) };
  expect(await all('artifacts')).toMatchObject([{ info, json: transcript.json }]);
  await source.close();
});
