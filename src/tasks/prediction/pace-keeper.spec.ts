import { beforeEach, expect, it, vi } from 'vitest';
import { EmbeddedNotes } from '../../storage/embedded/embedded-notes';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import { JournalStart } from '../journal/journal-start';
import { PaceKeeper } from './pace-keeper';
import { Paces } from './paces';
import type { StartForecasts } from './start-forecasts';

const measure = {
  promptTokens: 1,
  askedTokens: 20,
  cachedShare: undefined,
  prefillMs: 1,
  decodeMs: 190,
  tokens: 20,
  stoppedByItself: false,
  beside: 1,
};

let journal: MemoryTaskJournal;
let paces: Paces;
let keeper: PaceKeeper;

beforeEach(() => {
  journal = new MemoryTaskJournal();
  begin();
});

function begin(): void {
  paces = new Paces();
  keeper = new PaceKeeper(new EmbeddedNotes(journal, new JournalStart(journal)), { paces } as StartForecasts);
}

function learn(): void {
  for (let n = 0; n < 3; n++) paces.observe('a', measure);
}

it('brings what was learned over a restart', async () => {
  await keeper.restore();
  learn();
  await keeper.close();
  begin();
  await keeper.restore();
  expect(paces.pace('a').isMeasured).toBe(true);
});

it('writes nothing before the journal is open, nor after its last word, nor where nothing was learned', async () => {
  const save = vi.spyOn(journal, 'saveNote');
  learn();
  await keeper.save();
  await keeper.restore();
  await keeper.save();
  expect(save).toHaveBeenCalledTimes(1);
  await keeper.save();
  await keeper.close();
  learn();
  await keeper.save();
  expect(save).toHaveBeenCalledTimes(1);
});

it('writes later what storage did not take', async () => {
  await keeper.restore();
  learn();
  vi.spyOn(journal, 'saveNote').mockRejectedValueOnce(new Error('no room'));
  await keeper.save();
  expect((await journal.recover()).notes.size).toBe(0);
  await keeper.save();
  expect([...(await journal.recover()).notes.keys()]).toEqual(['paces']);
});
