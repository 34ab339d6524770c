import { beforeEach, describe, expect, it } from 'vitest';
import type { Notes } from '../../src/tasks/journal/notes.port';

export interface NotesSetup {
  readonly notes: Notes;
  /** Another process on the same store: after this one is no more, or, of a store that has several, beside it. */
  another(): Promise<Notes>;
}

/** What every driver of the Notes port keeps. */
export function notesContract(name: string, setUp: () => Promise<NotesSetup>): void {
  describe(`Notes: ${name}`, () => {
    let test: NotesSetup;
    beforeEach(async () => {
      test = await setUp();
    });

    const kept = async (): Promise<Record<string, string>> =>
      Object.fromEntries(await (await test.another()).recovered());

    it('are none at first', async () => {
      expect([...(await test.notes.recovered())]).toEqual([]);
    });

    it('are found by the next process, whatever they say', async () => {
      const texts = { paces: '{"p":1}', empty: '', odd: 'a\nb\u0000"\ud83d\ude00 é' };
      for (const [note, text] of Object.entries(texts)) await test.notes.save(note, text);
      expect(await kept()).toEqual(texts);
    });

    it('hold what was saved last, and each its own', async () => {
      await Promise.all(['1', '2', '3'].map(text => test.notes.save('a', text)));
      await test.notes.save('b', 'other');
      expect(await kept()).toEqual({ a: '3', b: 'other' });
    });
  });
}
