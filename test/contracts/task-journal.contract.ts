import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalQuery, SessionUsage, TaskJournal } from '../../src/tasks/journal/task-journal.port';
import type { TaskEvent } from '../../src/tasks/task/task';
import { PendingTranscript } from '../support/pending-transcript';
import {
  droppedEnding,
  endingOf,
  eventsOf,
  factsOf,
  fullSpec,
  plainSpec,
  placement,
  startMs,
  workSpec,
} from './journal-samples';

/** One journal under test. */
export interface JournalUnderTest {
  readonly journal: TaskJournal;
  /** The same journal after its process ended and another one opened it; absent for a driver that forgets. */
  readonly reopen?: () => Promise<TaskJournal>;
  dispose(): Promise<void>;
}

const usage: SessionUsage = { sessionId: 's1', tokens: 10, timeMs: 200, cost: 0.5, turns: 1 };

/** What every driver of the TaskJournal port keeps. */
export function taskJournalContract(driver: string, open: () => Promise<JournalUnderTest>): void {
  describe(`TaskJournal: ${driver}`, () => {
    let subject: JournalUnderTest;
    let journal: TaskJournal;

    beforeEach(async () => {
      subject = await open();
      journal = subject.journal;
      await journal.recover();
    });
    afterEach(() => subject.dispose());

    /** What a start would find. A driver that forgets is asked again as it stands. */
    async function recovered(): Promise<Awaited<ReturnType<TaskJournal['recover']>>> {
      if (!subject.reopen) return journal.recover();
      await journal.close();
      journal = await subject.reopen();
      return journal.recover();
    }

    it('is empty at first', async () => {
      expect(await recovered()).toEqual({
        live: [],
        sessions: [],
        bindings: [],
        drains: [],
        notes: new Map(),
        lastSeq: 0,
        transcripts: [],
      });
      expect(await journal.list({ limit: 10 })).toEqual([]);
      expect(await journal.find('nobody')).toBeUndefined();
      expect(await journal.readEvents('nobody')).toEqual([]);
    });

    it('gives back every field of an admission', async () => {
      const facts = factsOf(1, { preparation: [{ kind: 'model_load', detail: 'some/model' }] });
      await journal.admit(fullSpec('full'), facts);
      await journal.admit(plainSpec('plain'), factsOf(2));
      const full = { spec: fullSpec('full'), facts, firstTokenMarked: false };
      const plain = { spec: plainSpec('plain'), facts: factsOf(2), firstTokenMarked: false };
      expect(await journal.find('full')).toEqual(full);
      expect(await recovered()).toMatchObject({ live: [full, plain], lastSeq: 2 });
      expect(await journal.find('plain')).toEqual(plain);
    });

    it('keeps operation and body of a task, and the body no longer than the task lives', async () => {
      await journal.admit(workSpec('chat'), factsOf(1));
      expect((await recovered()).live).toEqual([
        { spec: workSpec('chat'), facts: factsOf(1), firstTokenMarked: false },
      ]);
      expect((await journal.find('chat'))?.spec).toEqual(workSpec('chat'));
      await journal.end(endingOf('chat'));
      expect((await journal.find('chat'))?.spec).toEqual({ ...workSpec('chat'), prompt: '' });
    });

    it('recovers live tasks in the order of their keys, whatever the order of admission', async () => {
      await journal.admit(plainSpec('late'), factsOf(1, { orderKey: 300 }));
      await journal.admit(plainSpec('tie-2'), factsOf(3, { orderKey: 200 }));
      await journal.admit(plainSpec('tie-1'), factsOf(2, { orderKey: 200 }));
      await journal.admit(plainSpec('early'), factsOf(4, { orderKey: 100 }));
      const { live } = await recovered();
      expect(live.map(({ spec }) => spec.taskId)).toEqual(['early', 'tie-1', 'tie-2', 'late']);
    });

    it('keeps a first-token mark with its placement', async () => {
      await journal.admit(plainSpec('a'), factsOf(1));
      await journal.markFirstToken('a', placement);
      const { live } = await recovered();
      expect(live).toEqual([{ spec: plainSpec('a'), facts: factsOf(1), firstTokenMarked: true, placement }]);
    });

    it('keeps where a task ran, though its ending does not say so', async () => {
      await journal.admit(plainSpec('a'), factsOf(1));
      await journal.markFirstToken('a', placement);
      const { placement: _, ...ending } = endingOf('a');
      await journal.end(ending);
      await recovered();
      expect(await journal.find('a')).toMatchObject({ placement, ending });
    });

    it('keeps an ending and no longer the prompt', async () => {
      await journal.admit(fullSpec('a'), factsOf(1));
      await journal.markFirstToken('a', placement);
      await journal.end(endingOf('a'));
      expect(await recovered()).toMatchObject({ live: [], lastSeq: 1 });
      expect(await journal.find('a')).toEqual({
        spec: fullSpec('a', { prompt: '' }),
        facts: factsOf(1),
        firstTokenMarked: true,
        placement,
        ending: endingOf('a'),
      });
    });

    it('keeps the first ending of a task', async () => {
      await journal.admit(plainSpec('a'), factsOf(1));
      await journal.end(endingOf('a', { state: 'cancelled', code: 'CANCELLED', message: 'The task was cancelled.' }));
      await journal.end(endingOf('a', { endedAtMs: startMs + 5000 }), usage);
      await journal.markFirstToken('a', placement);
      const record = await journal.find('a');
      expect(record).toMatchObject({ firstTokenMarked: false, ending: { state: 'cancelled', code: 'CANCELLED' } });
      expect((await recovered()).sessions).toEqual([]);
    });

    it('takes a mark or an ending of a task it does not know for done', async () => {
      await journal.markFirstToken('nobody', placement);
      await journal.end(endingOf('nobody'), usage);
      expect(await journal.find('nobody')).toBeUndefined();
      expect((await recovered()).sessions).toEqual([]);
    });

    it('records an admission together with the ending that made room for it', async () => {
      await journal.admit(plainSpec('old'), factsOf(1));
      await journal.admit(plainSpec('new'), factsOf(2), droppedEnding('old'));
      const { live } = await recovered();
      expect(live.map(({ spec }) => spec.taskId)).toEqual(['new']);
      expect((await journal.find('old'))?.ending).toEqual(droppedEnding('old'));
    });

    it('refuses a second admission of an id and then leaves the task that was to make room alone', async () => {
      await journal.admit(plainSpec('a'), factsOf(1));
      await journal.admit(plainSpec('victim'), factsOf(2));
      const again = journal.admit(fullSpec('a'), factsOf(3), droppedEnding('victim'));
      await expect(again).rejects.toMatchObject({ code: 'TASK_CONFLICT' });
      const { live } = await recovered();
      expect(live).toMatchObject([{ spec: plainSpec('a') }, { spec: plainSpec('victim') }]);
    });

    it('writes in the order of the calls, though nobody waits in between', async () => {
      const writes = [
        journal.admit(plainSpec('a'), factsOf(1)),
        journal.markFirstToken('a', placement),
        journal.end(endingOf('a')),
        journal.admit(plainSpec('b'), factsOf(2)),
      ];
      await Promise.all(writes);
      expect((await journal.find('a'))?.ending).toEqual(endingOf('a'));
      expect((await recovered()).live.map(({ spec }) => spec.taskId)).toEqual(['b']);
    });

    it('keeps what a session has spent, and never takes it back', async () => {
      await journal.admit(plainSpec('a', { sessionId: 's1', ownSession: false }), factsOf(1));
      await journal.admit(plainSpec('b', { sessionId: 's1', ownSession: false }), factsOf(2));
      await journal.admit(plainSpec('c', { sessionId: 's2', ownSession: false }), factsOf(3));
      await journal.end(endingOf('b'), { ...usage, tokens: 30, turns: 2 });
      await journal.end(endingOf('a'), usage);
      await journal.end(endingOf('c'), { ...usage, sessionId: 's2' });
      await journal.forgetSession('s2');
      await journal.forgetSession('s3');
      expect((await recovered()).sessions).toEqual([{ ...usage, tokens: 30, turns: 2 }]);
    });

    it('keeps bindings, the last one of a replica', async () => {
      const binding = { poolId: 'p', replicaId: 'r', engine: 'llamacpp', url: 'http://127.0.0.1:1', source: 'worker' };
      await journal.saveBinding(binding);
      await journal.saveBinding({ ...binding, url: 'http://127.0.0.1:2' });
      await journal.saveBinding({ ...binding, replicaId: 'gone' });
      await journal.removeBinding('p', 'gone');
      await journal.removeBinding('p', 'never-was');
      await journal.saveBinding({
        ...binding,
        replicaId: 's',
        source: 'handoff',
        ttlMs: 90_000.5,
        apiKeyFile: 'gpu.key',
      });
      expect((await recovered()).bindings).toEqual([
        { ...binding, url: 'http://127.0.0.1:2' },
        { ...binding, replicaId: 's', source: 'handoff', ttlMs: 90_000.5, apiKeyFile: 'gpu.key' },
      ]);
    });

    it('keeps what was learned, the last text of each name', async () => {
      for (const [name, text] of [
        ['a', 'one'],
        ['b', 'x'],
        ['a', 'two'],
      ] as const)
        await journal.saveNote(name, text);
      expect((await recovered()).notes).toEqual(
        new Map([
          ['a', 'two'],
          ['b', 'x'],
        ]),
      );
    });

    it('keeps drains, the last one of a pool, until they are taken back', async () => {
      const drain = { poolId: 'p', deadlineMs: 30_000, deadlineAtMs: startMs + 30_000 };
      await journal.saveDrain(drain);
      await journal.saveDrain({ ...drain, deadlineMs: 500, deadlineAtMs: startMs + 600.5 });
      await journal.saveDrain({ ...drain, poolId: 'taken-back' });
      await journal.removeDrain('taken-back');
      await journal.removeDrain('never-was');
      expect((await recovered()).drains).toEqual([{ poolId: 'p', deadlineMs: 500, deadlineAtMs: startMs + 600.5 }]);
    });

    describe('events', () => {
      it('reads back what was copied, in batches or at once', async () => {
        const events = eventsOf(20);
        await journal.admit(plainSpec('a'), factsOf(1));
        journal.copyEvents('a', 1, events.slice(0, 1));
        journal.copyEvents('a', 2, events.slice(1, 7));
        journal.copyEvents('a', 8, events.slice(7));
        expect(await journal.readEvents('a')).toEqual(events);
        await recovered();
        expect(await journal.readEvents('a')).toEqual(events);
      });

      it('gives back output of every kind', async () => {
        const output: TaskEvent[] = [
          { type: 'started', data: '{}' },
          { type: 'delta', data: '{"choices":[{"delta":{"content":"\\t"},"index":0}]}' },
          { type: 'result', data: '{"data":[]}' },
        ];
        await journal.admit(plainSpec('a'), factsOf(1));
        journal.copyEvents('a', 1, output);
        expect(await journal.readEvents('a')).toEqual(output);
      });

      it('ends before a gap', async () => {
        const events = eventsOf(6);
        await journal.admit(plainSpec('a'), factsOf(1));
        journal.copyEvents('a', 1, events.slice(0, 3));
        journal.copyEvents('a', 5, events.slice(4));
        expect(await journal.readEvents('a')).toEqual(events.slice(0, 3));
      });

      it('drops them once the ending names a transcript, also those that come after it', async () => {
        await journal.admit(plainSpec('a'), factsOf(1));
        journal.copyEvents('a', 1, eventsOf(3));
        await journal.end(endingOf('a'));
        journal.copyEvents('a', 6, eventsOf(1));
        expect(await journal.readEvents('a')).toEqual([]);
      });

      it('keeps them while an ending names none', async () => {
        await journal.admit(plainSpec('a'), factsOf(1));
        journal.copyEvents('a', 1, eventsOf(3));
        const { transcriptArtifactId, ...ending } = endingOf('a');
        expect(transcriptArtifactId).toBeDefined();
        await journal.end(ending);
        await recovered();
        expect(await journal.readEvents('a')).toEqual(eventsOf(3));
        expect(await journal.expire(startMs + 2000, 10)).toBe(1);
        expect(await journal.readEvents('a')).toEqual([]);
      });

      it('names a transcript after the end, and drops them then (B-STO-005)', async () => {
        const { transcriptArtifactId, ...without } = endingOf('a');
        const terminal: TaskEvent = { type: 'error', data: '{"code":"X"}', seq: 1_000_000_003 };
        for (const [seq, taskId] of ['a', 'live', 'named', 'uncopied'].entries()) {
          await journal.admit(plainSpec(taskId), factsOf(seq + 1));
        }
        for (const taskId of ['a', 'live', 'named']) journal.copyEvents(taskId, 1, eventsOf(1));
        await journal.end(without);
        journal.copyEvents('a', 4, [terminal]);
        await journal.end(endingOf('named'));
        await journal.end({ ...without, taskId: 'uncopied' });
        await recovered();
        expect(await journal.withoutTranscript(10)).toEqual(['a']);
        expect(await journal.withoutTranscript(0)).toEqual([]);
        expect(await journal.readEvents('a')).toEqual([...eventsOf(1), terminal]);
        const artifactId = transcriptArtifactId ?? '';
        for (const taskId of ['a', 'live', 'named', 'nobody']) await journal.nameTranscript(taskId, artifactId);
        await journal.nameTranscript('a', 'another');
        await recovered();
        expect((await journal.find('a'))?.ending).toEqual(endingOf('a'));
        expect((await journal.find('named'))?.ending).toEqual(endingOf('named'));
        expect((await journal.find('live'))?.ending).toBeUndefined();
        expect(await journal.withoutTranscript(10)).toEqual([]);
        expect(await journal.readEvents('a')).toEqual([]);
        expect(await journal.readEvents('live')).toEqual(eventsOf(1));
      });

      it('names a transcript that is being stored once the store has it, and none that it has not', async () => {
        const { transcriptArtifactId: _, ...ending } = endingOf('stored');
        for (const [seq, taskId] of ['stored', 'unstored'].entries()) {
          await journal.admit(plainSpec(taskId), factsOf(seq + 1));
          journal.copyEvents(taskId, 1, eventsOf(3));
          const transcript = new PendingTranscript(`of-${taskId}`);
          const written = journal.end({ ...ending, taskId }, { ...usage, turns: seq + 1 }, transcript);
          transcript.tell(taskId === 'stored');
          await written;
        }
        const { live, sessions } = await recovered();
        expect([live, sessions]).toMatchObject([[], [{ turns: 2 }]]);
        expect((await journal.find('stored'))?.ending).toEqual({ ...ending, transcriptArtifactId: 'of-stored' });
        expect((await journal.find('unstored'))?.ending).toEqual({ ...ending, taskId: 'unstored' });
        expect([await journal.readEvents('stored'), await journal.readEvents('unstored')]).toEqual([[], eventsOf(3)]);
        expect(await journal.withoutTranscript(10)).toEqual(['unstored']);
      });

      it('is asked for a task while its transcript is being stored: with the ending it gives that too, and waits for nothing', async () => {
        const { transcriptArtifactId: _, ...ending } = endingOf('a');
        await journal.admit(plainSpec('a'), factsOf(1));
        const transcript = new PendingTranscript();
        const written = journal.end(ending, usage, transcript);
        // A driver may not have taken the ending yet, for it waits itself; one that has tells no name that is not known.
        for (let n = 0; n < 20; n++) {
          const found = await journal.find('a');
          expect([undefined, transcript]).toContain(found?.transcript);
          expect(found?.ending).toEqual(found?.transcript && ending);
        }
        transcript.tell(true);
        await written;
        const found = await journal.find('a');
        expect(found?.ending).toEqual({ ...ending, transcriptArtifactId: transcript.id });
        expect(found).not.toHaveProperty('transcript');
      });

      it('names the transcript of one that made room for another, which is there only after that', async () => {
        const transcript = new PendingTranscript();
        await journal.admit(plainSpec('old'), factsOf(1));
        await journal.admit(plainSpec('new'), factsOf(2), droppedEnding('old'));
        const written = journal.end({ ...droppedEnding('old'), message: 'another' }, undefined, transcript);
        transcript.tell(true);
        await written;
        const named = { ...droppedEnding('old'), transcriptArtifactId: transcript.id };
        expect((await journal.find('old'))?.ending).toEqual(named);
        await journal.end({ ...droppedEnding('old'), transcriptArtifactId: 'another' });
        expect((await recovered()).live.map(({ spec }) => spec.taskId)).toEqual(['new']);
        expect((await journal.find('old'))?.ending).toEqual(named);
      });

      it('copies none of a task that was never admitted', async () => {
        journal.copyEvents('nobody', 1, eventsOf(3));
        expect(await journal.readEvents('nobody')).toEqual([]);
      });
    });

    describe('list', () => {
      async function ids(query: Partial<JournalQuery>): Promise<string[]> {
        return (await journal.list({ limit: 100, ...query })).map(({ spec }) => spec.taskId);
      }

      beforeEach(async () => {
        const sessionOf = (i: number): string => (i % 2 === 0 ? 'even' : 'odd');
        for (let i = 1; i <= 6; i++) {
          // The wall's clock is set back after each two.
          const facts = factsOf(i, { admittedAtMs: startMs + (i % 2) - 1000 * i });
          await journal.admit(plainSpec(`t${i}`, { sessionId: sessionOf(i), ownSession: false }), facts);
        }
        await journal.markFirstToken('t2', placement);
        await journal.end(endingOf('t3'));
        await journal.end(endingOf('t4', { state: 'failed', code: 'WORKER_RESET' }));
        await journal.end(endingOf('t5'));
      });

      it('is newest first by number of admission, whatever the wall has said (B-STO-004)', async () => {
        expect(await ids({})).toEqual(['t6', 't5', 't4', 't3', 't2', 't1']);
      });

      it('goes on after a record, also after one that is gone', async () => {
        expect(await ids({ limit: 2 })).toEqual(['t6', 't5']);
        expect(await ids({ limit: 2, afterSeq: 4 })).toEqual(['t3', 't2']);
        expect(await ids({ afterSeq: 1 })).toEqual([]);
        await journal.expire(startMs + 1001, 1);
        expect(await ids({ afterSeq: 3 })).toEqual(['t2', 't1']);
        expect(await ids({ afterSeq: 7 })).toEqual(['t6', 't5', 't4', 't2', 't1']);
      });

      it('keeps to a state, a session, or both', async () => {
        expect(await ids({ state: 'completed' })).toEqual(['t5', 't3']);
        expect(await ids({ state: 'failed' })).toEqual(['t4']);
        expect(await ids({ state: 'queued' })).toEqual(['t6', 't1']);
        expect(await ids({ state: 'streaming' })).toEqual(['t2']);
        expect(await ids({ state: 'expired' })).toEqual([]);
        expect(await ids({ sessionId: 'odd' })).toEqual(['t5', 't3', 't1']);
        expect(await ids({ sessionId: 'even', state: 'failed' })).toEqual(['t4']);
        expect(await ids({ sessionId: 'odd', state: 'completed', afterSeq: 5 })).toEqual(['t3']);
        expect(await ids({ state: 'completed', afterSeq: 5 })).toEqual(['t3']);
      });

      it('gives whole records, but for prompts', async () => {
        const [newest, ended] = await journal.list({ limit: 2 });
        expect(ended).toEqual(await journal.find('t5'));
        const found = await journal.find('t6');
        expect(found).toMatchObject({ spec: { prompt: 'Prompt of t6' } });
        expect(newest).toEqual(found && { ...found, spec: { ...found.spec, prompt: '' } });
      });

      it('forgets what ended before a time, in steps, and nothing live', async () => {
        expect(await journal.expire(startMs + 1000, 10)).toBe(0);
        expect(await journal.expire(startMs + 1001, 2)).toBe(2);
        expect(await journal.expire(startMs + 1001, 2)).toBe(1);
        expect(await journal.expire(startMs + 1001, 2)).toBe(0);
        expect(await ids({})).toEqual(['t6', 't2', 't1']);
        expect(await journal.find('t4')).toBeUndefined();
        expect(await recovered()).toMatchObject({ lastSeq: 6 });
      });
    });
  });
}
