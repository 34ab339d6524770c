import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { cancelled, submissionOf, type LedgerUnderTest } from '../../../test/contracts/task-ledger/ledger-use';
import { embeddedLedger, HeldJournal } from '../../../test/support/ledger';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import type { JournalRecord } from '../../tasks/journal/task-journal.port';

let journal: HeldJournal;
let test: LedgerUnderTest;

beforeEach(async () => {
  journal = new HeldJournal();
  test = await embeddedLedger({}, journal);
  await test.ledger.adopt();
});
afterEach(() => test.close());

/** As a journal answers that has an ending before it is known whether its transcript is stored. */
class StoringJournal extends HeldJournal {
  constructor(private readonly transcript: PendingTranscript) {
    super();
  }

  override async find(taskId: string): Promise<JournalRecord | undefined> {
    const record = await super.find(taskId);
    return record?.ending && { ...record, transcript: this.transcript };
  }
}

async function end(taskId: string): Promise<void> {
  const outcome = await test.ledger.admit(submissionOf(taskId));
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
  await outcome.durable;
  const ended = await test.ledger.cancel(taskId, cancelled);
  if (!ended || !('ending' in ended)) throw new Error('it was not won');
  await ended.record(undefined);
  ended.concluded();
}

const listed = async (limit: number) => (await test.records.list({ limit })).map(({ spec }) => spec.taskId);

describe('a list of tasks', () => {
  it('is as long as was asked for, though admissions that are not through yet are left out', async () => {
    for (const id of ['a', 'b', 'c']) await end(id);
    for (const [at, id] of ['unseen', 'unseen-too'].entries()) await journal.admit(plainSpec(id), factsOf(1000 + at));
    expect(await listed(2)).toEqual(['c', 'b']);
    expect(await listed(3)).toEqual(['c', 'b', 'a']);
    expect(await listed(9)).toEqual(['c', 'b', 'a']);
  });

  it('has a task that ends while it is read', async () => {
    await end('a');
    const { list } = journal;
    const outcome = await test.ledger.admit(submissionOf('b'));
    if (outcome.kind === 'admitted') await outcome.durable;
    journal.list = async query => {
      const records = await list.call(journal, query);
      journal.list = list;
      const ended = await test.ledger.cancel('b', cancelled);
      if (ended && 'ending' in ended) {
        await ended.record(undefined);
        ended.concluded();
      }
      return records;
    };
    expect(await listed(9)).toEqual(['b', 'a']);
  });
});

describe('a task that is looked for', () => {
  it('has the transcript that is being stored, as the journal gives it', async () => {
    const transcript = new PendingTranscript();
    await test.close();
    test = await embeddedLedger({}, (journal = new StoringJournal(transcript)));
    await test.ledger.adopt();
    await end('a');
    const found = await test.records.find('a');
    expect([found?.state, found?.transcript]).toEqual(['cancelled', transcript]);
    expect(transcript.isHurried).toBe(false);
  });

  it('has none where the journal gives none', async () => {
    await end('a');
    expect(await test.records.find('a')).not.toHaveProperty('transcript');
  });

  it('is found though its ending, which was owed, becomes durable while the journal is asked', async () => {
    const outcome = await test.ledger.admit(submissionOf('a'));
    if (outcome.kind === 'admitted') await outcome.durable;
    const release = journal.hold();
    const ended = await test.ledger.cancel('a', cancelled);
    if (!ended || !('ending' in ended)) throw new Error('it was not won');
    const recorded = ended.record(undefined);
    await test.advance(1000);
    expect(await recorded).toBe(false);
    ended.concluded();
    const { find } = journal;
    journal.find = async taskId => {
      const before = await find.call(journal, taskId);
      release(false);
      await test.advance(0);
      return before;
    };
    expect(await test.records.find('a')).toMatchObject({ state: 'cancelled' });
    expect(await find.call(journal, 'a')).toMatchObject({ ending: { state: 'cancelled' } });
  });
});

describe('what the process before held for the artifact store', () => {
  const held = { taskId: 't', transcript: { id: 'hash', json: '{}' } };

  class HoldingJournal extends HeldJournal {
    isLetGo = false;

    override async recover(): ReturnType<HeldJournal['recover']> {
      return { ...(await super.recover()), transcripts: [held] };
    }

    override async transcriptsStored(): Promise<void> {
      this.isLetGo = true;
    }
  }

  it('is given out once, and held until all of it is stored', async () => {
    const holding = new HoldingJournal();
    const { records, ledger, close } = await embeddedLedger({}, holding);
    await ledger.adopt();
    expect([await records.heldTranscripts(), await records.heldTranscripts()]).toEqual([[held], []]);
    expect(holding.isLetGo).toBe(false);
    await records.transcriptsStored();
    expect(holding.isLetGo).toBe(true);
    await close();
  });
});
