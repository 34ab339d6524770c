import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endingOf, factsOf, fullSpec } from '../../../test/contracts/journal-samples';
import { loadConfig } from '../../config/config';
import { MemoryTaskJournal } from '../memory/task-journal.memory';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { EmbeddedSessions } from './embedded-sessions';
import { SessionBook } from './session-book';

const TTL_MS = 60_000;
const most = { tokens: 10, timeMs: 10, cost: 0 };

let alarms: Alarms;
let store: SessionBook;
let journal: MemoryTaskJournal;
let sessions: EmbeddedSessions;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const clock = Object.assign(new Clock(), { nowMs: () => Date.now() });
  alarms = new Alarms(clock);
  store = new SessionBook(loadConfig({ ORCHD_SESSION_TTL_MS: String(TTL_MS) }).config, clock, alarms);
  journal = new MemoryTaskJournal();
  sessions = new EmbeddedSessions(store, journal);
  sessions.onModuleInit();
});
afterEach(() => {
  sessions.onModuleDestroy();
  alarms.onModuleDestroy();
  vi.useRealTimers();
});

/** One task of a session, from its admission to its ending in the journal. */
async function work(sessionId: string, taskId: string, tokens: number): Promise<void> {
  const spec = fullSpec(taskId, { sessionId });
  await journal.admit(spec, factsOf(1));
  store.reserve(sessionId, taskId, most, false);
  const { spent, turns } = store.settle(sessionId, taskId, { tokens, timeMs: 1, cost: 0 }, true);
  await journal.end(endingOf(taskId), { sessionId, ...spent, turns });
}
const kept = async () => (await journal.recover()).sessions;

describe('what the journal keeps of a session', () => {
  it('stays while the session lives', async () => {
    await work('s', 't', 7);
    expect(await kept()).toMatchObject([{ sessionId: 's', tokens: 7, turns: 1 }]);
  });

  it('goes when it is deleted (B-SS-011)', async () => {
    await work('s', 't', 7);
    await sessions.delete('s');
    expect(await kept()).toEqual([]);
    await expect(sessions.delete('s')).resolves.toBeUndefined();
  });

  it('goes when its time to live ends, though nobody asks for it (B-SS-020)', async () => {
    await work('s', 't', 7);
    await vi.advanceTimersByTimeAsync(TTL_MS + 2000);
    expect(await kept()).toEqual([]);
  });

  it('starts anew with a session of the same id', async () => {
    await work('s', 'before', 9);
    vi.advanceTimersByTime(TTL_MS);
    await work('s', 'after', 2);
    expect(await kept()).toMatchObject([{ sessionId: 's', tokens: 2, turns: 1 }]);
  });

  it('does not trouble anybody where the journal cannot be written', async () => {
    await work('s', 't', 7);
    const forget = vi.spyOn(journal, 'forgetSession').mockRejectedValue(new Error('no room'));
    await vi.advanceTimersByTimeAsync(TTL_MS + 2000);
    expect(forget).toHaveBeenCalledOnce();
    expect(sessions.open('s').turns).toBe(0);
  });
});
