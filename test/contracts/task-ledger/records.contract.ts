import { describe, expect, it } from 'vitest';
import type { Ended } from '../../../src/tasks/ledger/task-ledger.port';
import type { RecordQuery } from '../../../src/tasks/ledger/task-records.port';
import type { TaskState } from '../../../src/tasks/task/task';
import { PendingTranscript } from '../../support/pending-transcript';
import { cancelled, completed, type LedgerUse } from './ledger-use';

/** TaskRecords, read where the ledger is and, of a store, at another node of it. */
export function ledgerRecords(use: LedgerUse): void {
  const { admit, cancel, conclude } = use;

  const readers = () => [use.test.records, ...(use.test.recordsElsewhere ? [use.test.recordsElsewhere] : [])];
  const stateOf = async (taskId: string) => Promise.all(readers().map(async each => (await each.find(taskId))?.state));
  const everywhere = <T>(value: T): T[] => readers().map(() => value);
  const listed = async (query: Partial<RecordQuery> = {}): Promise<string[]> => {
    const lists = await Promise.all(readers().map(each => each.list({ limit: 10, ...query })));
    const ids = lists.map(records => records.map(({ spec }) => spec.taskId));
    expect(ids).toEqual(everywhere(ids[0]));
    return ids[0] ?? [];
  };
  const inState = (state: TaskState) => listed({ state });

  /** One of each state: `runs` streams, `waits` is queued, `done` and `gone` have ended. */
  async function someOfEach(): Promise<void> {
    await use.test.bind('p/r', 2);
    const { claim: done } = await admit('done', { sessionId: 's', ownSession: false });
    await conclude(done && (await use.ledger.end(done, completed)));
    const { claim: runs } = await admit('runs', { sessionId: 's', ownSession: false });
    await admit('begins');
    await admit('gone');
    await cancel('gone');
    await admit('waits');
    if (runs) await use.ledger.markFirstToken(runs);
  }

  describe('what is remembered of tasks', () => {
    it('is each as it stands, from its admission on, and nothing of what nobody has admitted', async () => {
      await someOfEach();
      expect(await stateOf('waits')).toEqual(everywhere('queued'));
      expect(await stateOf('begins')).toEqual(everywhere('dispatching'));
      expect(await stateOf('runs')).toEqual(everywhere('streaming'));
      expect(await stateOf('done')).toEqual(everywhere('completed'));
      expect(await stateOf('gone')).toEqual(everywhere('cancelled'));
      expect(await stateOf('none')).toEqual(everywhere(undefined));
    });

    it('says where a task runs and ran, and how it has ended', async () => {
      await someOfEach();
      for (const reader of readers()) {
        const placement = { poolId: 'p', replicaId: 'r' };
        expect(await reader.find('runs')).toMatchObject({ attempts: 1, placement });
        expect(await reader.find('done')).toMatchObject({
          attempts: 1,
          placement,
          spec: { sessionId: 's', prompt: '' },
          ending: { state: 'completed', usage: { tokensOut: 3, decodeMs: 40 } },
        });
        expect((await reader.find('gone'))?.ending).toMatchObject({ state: 'cancelled', code: 'CANCELLED' });
        expect((await reader.find('waits'))?.ending).toBeUndefined();
      }
    });

    it('is listed by number of admission, newest first, in pages, by state and by session', async () => {
      await someOfEach();
      expect(await listed()).toEqual(['waits', 'gone', 'begins', 'runs', 'done']);
      expect(await listed({ limit: 2 })).toEqual(['waits', 'gone']);
      const [, second] = await use.test.records.list({ limit: 2 });
      expect(await listed({ limit: 2, afterSeq: second?.facts.seq ?? NaN })).toEqual(['begins', 'runs']);
      expect(await listed({ sessionId: 's' })).toEqual(['runs', 'done']);
      expect(await listed({ sessionId: 's', state: 'completed' })).toEqual(['done']);
      expect(await listed({ sessionId: 'none' })).toEqual([]);
      const states = ['queued', 'dispatching', 'streaming', 'completed', 'cancelled', 'failed', 'expired'] as const;
      expect(await Promise.all(states.map(inState))).toEqual([
        ['waits'],
        ['begins'],
        ['runs'],
        ['done'],
        ['gone'],
        [],
        [],
      ]);
    });

    it('is listed in the same order while it lives', async () => {
      for (const id of ['a', 'b', 'c', 'd']) await admit(id);
      expect(await inState('queued')).toEqual(['d', 'c', 'b', 'a']);
      const [, second] = await use.test.records.list({ limit: 2, state: 'queued' });
      const after = { state: 'queued', afterSeq: second?.facts.seq ?? NaN } as const;
      expect(await listed(after)).toEqual(['b', 'a']);
      expect(await listed({ ...after, limit: 1 })).toEqual(['b']);
    });

    it('is forgotten once its time is over, oldest first and so many at a time, and never while it lives', async () => {
      await someOfEach();
      const { keptFromMs = NaN } = (await use.test.records.find('gone'))?.ending ?? {};
      expect(await use.test.records.expire(keptFromMs - 1000, 10)).toBe(0);
      await use.test.advance(1000);
      const nowMs = keptFromMs + 1000;
      expect(await use.test.records.expire(nowMs, 1)).toBe(1);
      expect(await stateOf('done')).toEqual(everywhere(undefined));
      expect(await use.test.records.expire(nowMs, 10)).toBe(1);
      expect(await use.test.records.expire(nowMs, 10)).toBe(0);
      expect(await listed()).toEqual(['waits', 'begins', 'runs']);
      expect(await listed({ sessionId: 's' })).toEqual(['runs']);
      expect(await inState('completed')).toEqual([]);
    });

    it('names a transcript that is being stored when it ends, once the store has it, and none that it has not', async () => {
      for (const taskId of ['stored', 'unstored']) {
        await admit(taskId);
        const ended = (await use.ledger.cancel(taskId, cancelled)) as Ended;
        const transcript = new PendingTranscript(`of-${taskId}`);
        const recorded = ended.record(transcript);
        transcript.tell(taskId === 'stored');
        expect(await recorded).toBe(true);
        ended.concluded();
      }
      for (const reader of readers()) {
        const named = async (id: string) => (await reader.find(id))?.ending?.transcriptArtifactId;
        expect([await named('stored'), await named('unstored')]).toEqual(['of-stored', undefined]);
      }
    });

    it('has nothing that another process held', async () => {
      expect(await use.test.records.heldTranscripts()).toEqual([]);
      await use.test.records.transcriptsStored();
    });

    it('names the transcript of a task that has ended, and of no other', async () => {
      await someOfEach();
      expect(await use.test.records.nameTranscript('runs', 'sha256:a')).toBe(false);
      expect(await use.test.records.nameTranscript('done', 'sha256:b')).toBe(true);
      for (const reader of readers()) {
        expect((await reader.find('runs'))?.ending).toBeUndefined();
        expect((await reader.find('done'))?.ending?.transcriptArtifactId).toBe('sha256:b');
      }
    });
  });
}
