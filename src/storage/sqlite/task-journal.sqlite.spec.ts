import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endingOf, eventsOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { taskJournalContract } from '../../../test/contracts/task-journal.contract';
import { journalOn } from '../../../test/crash/open-journal';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { TaskEvent } from '../../tasks/task/task';
import type { SqliteTaskJournal } from './task-journal.sqlite';

taskJournalContract('sqlite', async () => {
  const folder = temporaryFolder();
  let { journal } = journalOn(folder.path);
  return {
    journal,
    reopen: async () => ({ journal } = journalOn(folder.path)).journal,
    dispose: async () => {
      await journal.close();
      folder.remove();
    },
  };
});

describe('SqliteTaskJournal', () => {
  let folder: TemporaryFolder;
  let journal: SqliteTaskJournal;
  let told: ReturnType<typeof journalOn>['told'];

  beforeEach(async () => {
    folder = temporaryFolder();
    ({ journal, told } = journalOn(folder.path));
    await journal.recover();
  });
  afterEach(async () => {
    await journal.close();
    folder.remove();
  });

  it('keeps a second one off the same folder, until it is closed', async () => {
    const { journal: second } = journalOn(folder.path);
    const refusal = { fault: 'LOCKED', message: expect.stringContaining('another process') as unknown };
    await expect(second.recover()).rejects.toMatchObject(refusal);
    await journal.close();
    const { journal: third } = journalOn(folder.path);
    await expect(third.recover()).resolves.toMatchObject({ live: [] });
    await third.close();
  });

  it('takes nothing before it is open and after it is closed', async () => {
    const { journal: unopened } = journalOn(folder.path);
    const refusal = { code: 'STORAGE_UNAVAILABLE' };
    await expect(unopened.admit(plainSpec('a'), factsOf(1))).rejects.toMatchObject(refusal);
    await unopened.close();
    await journal.close();
    await expect(journal.admit(plainSpec('a'), factsOf(1))).rejects.toMatchObject({
      ...refusal,
      details: { retryAfterMs: 1000 },
    });
    await expect(journal.find('a')).rejects.toMatchObject(refusal);
  });

  it('makes many writes of one turn durable together, in their order', async () => {
    const settled: number[] = [];
    const writes = Array.from({ length: 1000 }, (_, i) =>
      journal.admit(plainSpec(`t${i}`), factsOf(i + 1)).then(() => settled.push(i)),
    );
    await Promise.all(writes);
    expect(settled).toEqual([...settled].sort((a, b) => a - b));
    expect(await journal.list({ limit: 2000 })).toHaveLength(1000);
  });

  it('refuses only the request that is at fault', async () => {
    const broken = { ...factsOf(2), seq: 1.5 };
    const outcomes = await Promise.allSettled([
      journal.admit(plainSpec('a'), factsOf(1)),
      journal.admit(plainSpec('b'), broken),
      journal.admit(plainSpec('c'), factsOf(3)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'INTERNAL' } });
    expect((await journal.list({ limit: 10 })).map(({ spec }) => spec.taskId)).toEqual(['c', 'a']);
  });

  it('leaves nothing of a prompt in its files once the task ended and the journal is closed', async () => {
    const canary = 'canary-in-a-prompt ';
    await journal.admit(plainSpec('short', { prompt: canary }), factsOf(1));
    await journal.admit(plainSpec('long', { prompt: canary.repeat(2000) }), factsOf(2));
    await journal.end(endingOf('short'));
    await journal.end(endingOf('long'));
    await journal.close();
    const files = readdirSync(join(folder.path, 'journal'), { recursive: true, withFileTypes: true }).filter(entry =>
      entry.isFile(),
    );
    expect(files.map(({ name }) => name)).toContain('journal.db');
    for (const { parentPath, name } of files) {
      expect(readFileSync(join(parentPath, name)).includes(canary), name).toBe(false);
    }
  });

  it('hands copied events over within 100 ms, without being asked', async () => {
    await journal.admit(plainSpec('a'), factsOf(1));
    const log = join(folder.path, 'journal', 'events', '1.log');
    const delaysMs: number[] = [];
    // The quickest of several: on a busy machine anything can take long, many times in a row too.
    for (let seq = 1; seq <= 100 && !(Math.min(...delaysMs) < 100); seq++) {
      const startMs = performance.now();
      journal.copyEvents('a', seq, [{ type: 'token', data: `{"mark":${seq}}` }]);
      while (!existsSync(log) || !readFileSync(log).includes(`"mark":${seq}`))
        await new Promise(resolve => setImmediate(resolve));
      delaysMs.push(performance.now() - startMs);
    }
    expect(Math.min(...delaysMs)).toBeLessThan(100);
  });

  it('reads a long stream back, whole', async () => {
    await journal.admit(plainSpec('a'), factsOf(1));
    const all: TaskEvent[] = [];
    for (let batch = 0; batch < 50; batch++) {
      const events = eventsOf(40);
      journal.copyEvents('a', all.length + 1, events);
      all.push(...events);
      if (batch % 10 === 0) expect(await journal.readEvents('a')).toEqual(all);
    }
    expect(await journal.readEvents('a')).toEqual(all);
  });

  it('says nothing where nothing is wrong', () => {
    expect(told).toEqual([]);
  });
});
