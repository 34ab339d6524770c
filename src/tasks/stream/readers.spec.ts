import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { plainSpec } from '../../../test/contracts/journal-samples';
import { silentNarrator } from '../../../test/support/ledger';
import { loadConfig } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import type { Finisher } from '../ending/finisher';
import type { LiveTask, TaskLedger } from '../ledger/task-ledger.port';
import { Readers } from './readers';

const GRACE_MS = 1000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('does not end a task that is read, however often it was left while the store was asked for it', async () => {
  const clock = Object.assign(new Clock(), { nowMs: () => Date.now() });
  const answers: (() => void)[] = [];
  const task = { isEnding: false } as LiveTask;
  const find = () => new Promise<LiveTask>(resolve => answers.push(() => resolve(task)));
  const cancel = vi.fn(() => Promise.resolve(undefined));
  const readers = new Readers(
    loadConfig({ ORCHD_DETACH_GRACE_MS: String(GRACE_MS) }).config,
    new Alarms(clock),
    { find } as unknown as TaskLedger,
    { cancel } as unknown as Finisher,
    { ...silentNarrator, attend: (work: Promise<unknown>) => work } as unknown as Narrator,
  );
  const spec = plainSpec('t', { onDisconnect: 'cancel' });
  readers.attach(spec)();
  readers.attach(spec)();
  for (const answer of answers) answer();
  await vi.advanceTimersByTimeAsync(1);
  const leave = readers.attach(spec);
  await vi.advanceTimersByTimeAsync(2 * GRACE_MS);
  expect(cancel).not.toHaveBeenCalled();
  leave();
  answers.at(-1)?.();
  await vi.advanceTimersByTimeAsync(2 * GRACE_MS);
  expect(cancel).toHaveBeenCalledTimes(1);
});
