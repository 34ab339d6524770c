import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerUnderTest } from '../../../test/contracts/task-ledger/ledger-use';
import { plainSpec } from '../../../test/contracts/journal-samples';
import { embeddedLedger } from '../../../test/support/ledger';
import { PendingTranscript, transcriptThat } from '../../../test/support/pending-transcript';
import { loadConfig } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { MemoryEventLog } from '../../storage/memory/event-log.memory';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import type { Admitted, Claim, Ended } from '../ledger/task-ledger.port';
import { startedEvent, tokenEvent } from '../events/task-events';
import type { StoringTranscript } from '../task/storing-transcript';
import type { TaskEnding, TaskEvent } from '../task/task';
import { Finisher } from './finisher';
import type { OwedTranscripts } from './owed-transcripts';
import type { TaskReporter } from './task-reporter';
import type { Transcripts } from './transcripts';

const completed = { state: 'completed', usage: { tokensOut: 1, decodeMs: 5, finishReason: 'stop' } } as const;
const held: readonly TaskEvent[] = [
  startedEvent({
    ...{
      task_id: 't',
      queue_position: 0,
      predicted_start_ms: 0,
      predicted_start: { earliest_ms: 0, latest_ms: 0, basis: 'assumed' as const },
      attempt: 1,
    },
    ...{ engine: 'llamacpp', engine_version: '', pool_id: 'p', replica_id: 'r' },
  }),
  tokenEvent(0, 'a'),
];

let test: LedgerUnderTest;
let log: MemoryEventLog;
let finisher: Finisher;
/** What happened, in its order. */
let reported: TaskEnding[];
let steps: string[];
let faults: string[];
let owing: Promise<void>;
let storing: Promise<StoringTranscript>;

beforeEach(async () => {
  test = await embeddedLedger({});
  await test.ledger.adopt();
  log = new MemoryEventLog(loadConfig({}).config, new MemoryTaskJournal());
  steps = [];
  reported = [];
  faults = [];
  owing = Promise.resolve();
  storing = Promise.resolve(transcriptThat(true));
  const transcripts = {
    begin: (_taskId: string, events: readonly TaskEvent[]) => {
      steps.push(`transcript ${events.map(({ type }) => type).join(' ')}`);
      return storing;
    },
  } as unknown as Transcripts;
  const owed = {
    owe: (_taskId: string, events: readonly TaskEvent[]) => {
      steps.push(`owed ${events.map(({ type }) => type).join(' ')}`);
      return owing;
    },
  } as unknown as OwedTranscripts;
  const reporter = {
    ended: (_: unknown, ending: TaskEnding) => {
      steps.push('reported');
      reported.push(ending);
    },
  } as unknown as TaskReporter;
  const narrator = new Narrator({ error: ({ human }: { human: string }) => faults.push(human) } as unknown as Logger);
  finisher = new Finisher(test.ledger, log, transcripts, owed, reporter, narrator);
  await test.bind('p/r', 1);
});
afterEach(() => test.close());

async function running(): Promise<Claim> {
  const spec = plainSpec('t', { maxTokens: 10 });
  const submission = {
    spec,
    requestHash: 'h',
    predictedStartMs: 0,
    predictedStart: { earliestMs: 0, latestMs: 0, basis: 'assumed' as const },
    preparation: [],
  };
  const { claim, durable } = (await test.ledger.admit(submission)) as Admitted;
  await durable;
  log.open('t');
  if (!claim) throw new Error('no claim');
  return claim;
}
/** The ending, with some of its sides replaced. */
function but(ended: Ended, change: Partial<Ended>): Ended {
  const sides = Object.entries(change).map(([name, value]) => [name, { value }] as const);
  return Object.create(ended, Object.fromEntries(sides)) as Ended;
}
const shown = (): string[] => log.events('t').map(({ type }) => type);

describe('Finisher', () => {
  it('shows an ending only when transcript and ledger hold it, after the output that nobody has seen', async () => {
    const claim = await running();
    const ended = (await test.ledger.end(claim, completed)) as Ended;
    const recorded: Ended['record'] = transcript => {
      steps.push(`recorded ${transcript?.id ?? 'without'}, shown ${shown().length}`);
      return Promise.resolve(true);
    };
    await finisher.conclude(but(ended, { record: recorded }), held);
    expect(steps).toEqual(['transcript started token metrics end', 'recorded transcript-id, shown 0', 'reported']);
    expect(shown()).toEqual(['started', 'token', 'metrics', 'end']);
    expect(log.tail('t')?.terminal).toBe(true);
    expect([test.slotsFree('p/r'), test.ledger.find('t')]).toEqual([1, undefined]);
  });

  it('names no transcript that could not be stored, and ends the task all the same', async () => {
    storing = Promise.resolve(transcriptThat(false));
    expect(await finisher.end(await running(), completed, held)).toBe(true);
    expect(shown()).toEqual(['started', 'token', 'metrics', 'end']);
    expect(steps.slice(-2)).toEqual(['owed started token metrics end', 'reported']);
  });

  it.each([true, false])(
    'hands on a transcript that is being stored, and owes it later only if it is not (%s)',
    async isStored => {
      const transcript = new PendingTranscript();
      storing = Promise.resolve(transcript);
      const ended = (await test.ledger.end(await running(), completed)) as Ended;
      await finisher.conclude(but(ended, { record: () => Promise.resolve(true) }), held);
      expect([steps.at(-1), shown()]).toEqual(['reported', ['started', 'token', 'metrics', 'end']]);
      log.drop('t');
      transcript.tell(isStored);
      await new Promise(setImmediate);
      expect(steps.slice(2)).toEqual(isStored ? [] : ['owed started token metrics end']);
    },
  );

  it('tells of a transcript that can neither be stored nor owed', async () => {
    const transcript = new PendingTranscript();
    storing = Promise.resolve(transcript);
    const ended = (await test.ledger.end(await running(), completed)) as Ended;
    await finisher.conclude(but(ended, { record: () => Promise.resolve(true) }), held);
    owing = Promise.reject(new Error('no memory'));
    transcript.tell(false);
    await new Promise(setImmediate);
    expect(faults).toEqual(['A transcript that could not be stored is lost.']);
  });

  it('owes what is shown instead, and no transcript that is still being stored, of an ending that is not durable', async () => {
    const transcript = new PendingTranscript();
    storing = Promise.resolve(transcript);
    const ended = (await test.ledger.end(await running(), completed)) as Ended;
    await finisher.conclude(but(ended, { record: () => Promise.resolve(false), revise: () => undefined }), held);
    transcript.tell(false);
    await new Promise(setImmediate);
    expect(steps.filter(step => step.startsWith('owed'))).toEqual(['owed error']);
  });

  it('shows no output for the first time that is not durable: a task that runs again must not have been seen', async () => {
    const ended = (await test.ledger.end(await running(), completed)) as Ended;
    const revised: string[] = [];
    const owed = {
      record: () => Promise.resolve(false),
      revise: (error: ServiceError) => void revised.push(error.code),
    };
    await finisher.conclude(but(ended, owed), held);
    expect([shown(), revised]).toEqual([['error'], ['STORAGE_UNAVAILABLE']]);
    expect(reported.at(-1)).toMatchObject({ state: 'failed', code: 'STORAGE_UNAVAILABLE' });
    // Its transcript is another than the one that was stored.
    expect(steps).toContain('owed error');
  });

  it('tells an ending that is not durable where all of its output was seen', async () => {
    const claim = await running();
    log.append('t', held);
    const ended = (await test.ledger.end(claim, completed)) as Ended;
    await finisher.conclude(but(ended, { record: () => Promise.resolve(false) }));
    expect(shown()).toEqual(['started', 'token', 'metrics', 'end']);
  });

  it.each([true, false])(
    'has ended for whoever is woken by its end, also where its transcript is owed (durable: %s)',
    async isDurable => {
      storing = Promise.resolve(transcriptThat(false));
      const claim = await running();
      log.append('t', held);
      const found: unknown[] = [];
      log.follow('t').subscribe(() => queueMicrotask(() => found.push(test.ledger.find('t'))));
      const ended = (await test.ledger.end(claim, completed)) as Ended;
      await finisher.conclude(but(ended, { record: () => Promise.resolve(isDurable) }));
      expect(found).toEqual([undefined]);
    },
  );

  it('shows nothing of a task that was not admitted after all', async () => {
    const ended = (await test.ledger.end(await running(), completed)) as Ended;
    await finisher.conclude(but(ended, { isVoid: true, record: () => Promise.resolve(false) }));
    expect([shown(), steps.includes('reported')]).toEqual([[], false]);
  });

  it('ends a cancelled task with its error alone, and only once', async () => {
    await running();
    const draft = { state: 'cancelled', error: new ServiceError('CANCELLED') } as const;
    const outcomes = await Promise.all([finisher.cancel('t', draft, 'client'), finisher.cancel('t', draft, 'client')]);
    expect(outcomes[0]).toBe(true);
    expect(outcomes[1]).toHaveProperty('over');
    expect(shown()).toEqual(['error']);
    expect(await finisher.cancel('t', draft)).toBeUndefined();
  });

  it('lets nobody wait for ever for an ending that could not be shown', async () => {
    const claim = await running();
    storing = Promise.reject(new Error('mine'));
    const cancel = test.ledger.end(claim, completed) as Ended;
    const waiting = test.ledger.cancel('t', completed) as { over: Promise<void> };
    await finisher.conclude(cancel);
    await waiting.over;
    expect(faults).toHaveLength(1);
  });
});
