import { beforeEach, expect, it } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { silentNarrator } from '../../../test/support/ledger';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { MemoryTaskJournal } from '../memory/task-journal.memory';
import { EmbeddedEnded } from './embedded-ended';
import { HeldTask } from './held-task';
import { OwedEndings } from './owed-endings';

/** What a journal is given of an ending while its task is still being admitted; this one answers to the ending at once. */
class QuickJournal extends MemoryTaskJournal {
  readonly given: string[] = [];

  override async end({ taskId }: Parameters<MemoryTaskJournal['end']>[0]): Promise<void> {
    this.given.push(taskId);
  }
}

let journal: QuickJournal;
let task: HeldTask;
let ended: EmbeddedEnded;
let admission: { readonly done: () => void; readonly fail: () => void };

beforeEach(() => {
  journal = new QuickJournal();
  const spent = { tokens: 0, timeMs: 0, cost: 0 };
  task = new HeldTask(plainSpec('t'), factsOf(1), spent, 1000, 1000);
  task.durable = new Promise<void>((resolve, reject) => {
    const fail = (): void => {
      task.isVoid = true;
      reject(new Error('refused'));
    };
    admission = { done: resolve, fail };
  });
  const owed = new OwedEndings(journal, new Alarms(new Clock()), silentNarrator);
  const draft = { state: 'completed' as const, usage: { tokensOut: 0, decodeMs: 0, finishReason: 'stop' as const } };
  ended = new EmbeddedEnded(task, draft, endingOf('t'), { remaining: spent }, owed, () => undefined);
});

const turn = (): Promise<unknown> => new Promise(resolve => setImmediate(resolve));

it.each([true, false])(
  'is given to the journal before its task is durable, and not told before (until it is known: %s)',
  async hasUnseen => {
    const told: boolean[] = [];
    void ended.record(undefined, hasUnseen).then(isDurable => told.push(isDurable));
    await turn();
    expect([journal.given, told]).toEqual([['t'], []]);
    admission.done();
    await turn();
    expect(told).toEqual([true]);
  },
);

it('is not durable where its task was refused meanwhile, and not even given where it was before', async () => {
  const recorded = ended.record(undefined);
  admission.fail();
  expect([await recorded, ended.isVoid]).toEqual([false, true]);
  expect(await ended.record(undefined)).toBe(false);
  expect(journal.given).toEqual(['t']);
});
