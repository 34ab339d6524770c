import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { HeldJournal, silentNarrator } from '../../../test/support/ledger';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import type { Narrator } from '../../observability/narrator';
import type { StoringTranscript } from '../../tasks/task/storing-transcript';
import type { TaskEnding } from '../../tasks/task/task';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { OwedEndings } from './owed-endings';

/** What it was asked to write, in order. */
class NotingJournal extends HeldJournal {
  readonly handed: (StoringTranscript | undefined)[] = [];

  override end(...args: Parameters<HeldJournal['end']>): Promise<void> {
    this.handed.push(args[2]);
    return super.end(...args);
  }
}

const { transcriptArtifactId: _, ...ending } = endingOf('t');
let journal: NotingJournal;
let alarms: Alarms;
let endings: OwedEndings;
let transcript: PendingTranscript;
let warned: string[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  journal = new NotingJournal();
  alarms = new Alarms(Object.assign(new Clock(), { nowMs: () => Date.now() }));
  warned = [];
  const warn = (text: string): void => void warned.push(text);
  endings = new OwedEndings(journal, alarms, { ...silentNarrator, warn } as unknown as Narrator);
  transcript = new PendingTranscript();
  await journal.admit(plainSpec('t'), factsOf(1));
});
afterEach(() => {
  alarms.onModuleDestroy();
  vi.useRealTimers();
});

const due = (of: TaskEnding = ending) => ({ ending: of, session: undefined, transcript });
const record = (untilKnown: boolean, isAdmitted = Promise.resolve(true)): Promise<boolean> =>
  endings.record(due(), untilKnown, isAdmitted);
const written = async (): Promise<TaskEnding | undefined> => (await journal.find('t'))?.ending;

it('has patience with the journal once it is known what became of the transcript', async () => {
  const told: boolean[] = [];
  const letThrough = journal.hold();
  void record(false).then(isDurable => told.push(isDurable));
  await vi.advanceTimersByTimeAsync(5000);
  transcript.tell(true);
  await vi.advanceTimersByTimeAsync(999);
  expect([told, endings.find('t')?.transcriptArtifactId]).toEqual([[], 'transcript-id']);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([false]);
  letThrough(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect([await written(), endings.find('t')]).toEqual([
    { ...ending, transcriptArtifactId: 'transcript-id' },
    undefined,
  ]);
});

it('has no alarm left when the journal was in time, whatever becomes of the transcript later', async () => {
  journal.end = () => Promise.resolve();
  const after = vi.spyOn(alarms, 'after');
  expect(await record(false)).toBe(true);
  transcript.tell(true);
  await transcript.stored;
  expect(after).not.toHaveBeenCalled();
});

it.each([true, false])(
  'keeps of what is owed for long only the name of its transcript (stored: %s)',
  async isStored => {
    const fail = journal.hold();
    const recorded = record(true);
    fail(true);
    expect(await recorded).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    transcript.tell(isStored);
    await vi.advanceTimersByTimeAsync(1000);
    expect(journal.handed).toEqual([transcript, undefined]);
    expect((await written())?.transcriptArtifactId).toBe(isStored ? 'transcript-id' : undefined);
  },
);

it('names no transcript in an ending that was revised: that is of what was not shown', async () => {
  const fail = journal.hold();
  const recorded = record(true);
  fail(true);
  await recorded;
  endings.revise({ ...ending, state: 'failed' });
  transcript.tell(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await written()).toEqual({ ...ending, state: 'failed' });
});

it('writes what was revised while it was tried again', async () => {
  const fail = journal.hold();
  const recorded = record(true);
  fail(true);
  await recorded;
  const failAgain = journal.hold();
  await vi.advanceTimersByTimeAsync(1000);
  endings.revise({ ...ending, state: 'failed' });
  failAgain(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect((await written())?.state).toBe('failed');
});

describe('an ending that is given before its task is admitted', () => {
  let admitted: (isAdmitted: boolean) => void;
  let isAdmitted: Promise<boolean>;

  beforeEach(() => void (isAdmitted = new Promise(resolve => (admitted = resolve))));

  it('is given to the journal at once, shown to nobody before, and durable with the admission', async () => {
    const told: boolean[] = [];
    transcript.tell(true);
    void record(false, isAdmitted).then(isDurable => told.push(isDurable));
    await vi.advanceTimersByTimeAsync(5000);
    expect([journal.handed, told, endings.find('t')]).toEqual([[transcript], [], undefined]);
    admitted(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([true]);
    await vi.advanceTimersByTimeAsync(5000);
    expect([endings.find('t'), warned, journal.handed.length]).toEqual([undefined, [], 1]);
  });

  it.each([true, false])('is owed by nobody where it is not admitted (until it is known: %s)', async untilKnown => {
    const fail = journal.hold();
    const recorded = record(untilKnown, isAdmitted);
    admitted(false);
    expect(await recorded).toBe(false);
    fail(true);
    transcript.tell(true);
    await vi.advanceTimersByTimeAsync(5000);
    expect([journal.handed.length, endings.find('t'), warned]).toEqual([1, undefined, []]);
  });

  it('leaves alone what is owed of another with the same id', async () => {
    const fail = journal.hold();
    const recorded = record(true);
    fail(true);
    await recorded;
    expect(endings.find('t')).toEqual(ending);
    const { handed } = journal;
    journal.end = () => Promise.resolve();
    const of = { ...ending, state: 'cancelled' as const };
    const refused = endings.record({ ending: of, session: undefined, transcript: undefined }, false, isAdmitted);
    await vi.advanceTimersByTimeAsync(0);
    expect(endings.find('t')).toEqual(ending);
    admitted(false);
    expect(await refused).toBe(false);
    expect([endings.find('t'), handed.length, warned.length]).toEqual([ending, 1, 1]);
  });

  it('is awaited with patience from when the admission and the transcript are known', async () => {
    const told: boolean[] = [];
    journal.hold();
    void record(false, isAdmitted).then(isDurable => told.push(isDurable));
    transcript.tell(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([told, warned]).toEqual([[], []]);
    admitted(true);
    await vi.advanceTimersByTimeAsync(999);
    expect([told, warned]).toEqual([[], []]);
    await vi.advanceTimersByTimeAsync(1);
    expect([told, warned.length, endings.find('t')?.taskId]).toEqual([[false], 1, 't']);
  });
});
