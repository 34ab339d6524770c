import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endingOf, factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import { ServiceError } from '../../errors/service-error';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { EndingLedger } from './ending-ledger';

const ROUND_MS = 1000;

let journal: MemoryTaskJournal;
let alarms: Alarms;
let ledger: EndingLedger;
let told: string[];

beforeEach(async () => {
  vi.useFakeTimers();
  journal = new MemoryTaskJournal();
  for (const [at, id] of ['a', 'b', 'c'].entries()) await journal.admit(plainSpec(id), factsOf(at));
  alarms = new Alarms(Object.assign(new Clock(), { nowMs: () => Date.now() }));
  told = [];
  const logger = new Logger({ logLevel: 'info', logFormat: 'json' }, { write: line => void told.push(line) });
  ledger = new EndingLedger(journal, {} as ArtifactStore, alarms, new Narrator(logger));
});
afterEach(() => {
  alarms.onModuleDestroy();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const isDurable = async (id: string): Promise<boolean> => (await journal.find(id))?.ending !== undefined;

it('keeps an ending that storage refuses, says so once, and writes it when storage takes it', async () => {
  const end = vi.spyOn(journal, 'end').mockRejectedValue(new ServiceError('STORAGE_UNAVAILABLE'));
  await ledger.record(endingOf('a'));
  await vi.advanceTimersByTimeAsync(3 * ROUND_MS);
  expect([ledger.find('a')?.state, await isDurable('a'), told.length]).toEqual(['completed', false, 1]);
  end.mockRestore();
  await vi.advanceTimersByTimeAsync(ROUND_MS);
  expect([ledger.find('a'), await isDurable('a')]).toEqual([undefined, true]);
});

it('asks a disk that hangs for an ending once more, not once more every second', async () => {
  const end = vi.spyOn(journal, 'end').mockReturnValue(new Promise(() => undefined));
  for (const id of ['a', 'b', 'c']) {
    void ledger.record(endingOf(id));
    await vi.advanceTimersByTimeAsync(ROUND_MS);
  }
  await vi.advanceTimersByTimeAsync(60 * ROUND_MS);
  expect(end.mock.calls.map(([{ taskId }]) => taskId).sort()).toEqual(['a', 'a', 'b', 'c']);
  expect(['a', 'b', 'c'].map(id => ledger.find(id)?.taskId)).toEqual(['a', 'b', 'c']);
});

it('lets no ending that is refused for itself stand in the way of others', async () => {
  const write = journal.end.bind(journal);
  let fails = true;
  vi.spyOn(journal, 'end').mockImplementation(async ending => {
    if (fails || ending.taskId === 'a') throw new ServiceError('STORAGE_UNAVAILABLE');
    await write(ending);
  });
  for (const id of ['a', 'b', 'c']) await ledger.record(endingOf(id));
  fails = false;
  await vi.advanceTimersByTimeAsync(3 * ROUND_MS);
  expect(await Promise.all(['a', 'b', 'c'].map(isDurable))).toEqual([false, true, true]);
  expect(ledger.find('a')).toBeDefined();
});
