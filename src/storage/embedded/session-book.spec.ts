import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { budgets, sessionStoreContract } from '../../../test/contracts/session-book.contract';
import { loadConfig } from '../../config/config';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { SessionBook } from './session-book';

const settings = {
  ORCHD_SESSION_TOKENS_BUDGET: String(budgets.tokens),
  ORCHD_SESSION_TIME_BUDGET_MS: String(budgets.timeMs),
  ORCHD_SESSION_COST_BUDGET: String(budgets.cost),
  ORCHD_SESSION_TTL_MS: String(budgets.ttlMs),
  ORCHD_SESSIONS_MAX: String(budgets.maxSessions),
};
const used = { tokens: 1, timeMs: 1, cost: 0 };

sessionStoreContract('SessionBook', async () => {
  let nowMs = 1_000_000;
  const clock = Object.assign(new Clock(), { nowMs: () => nowMs });
  const store = new SessionBook(loadConfig(settings).config, clock, new Alarms(clock));
  return { store, advance: ms => void (nowMs += ms) };
});

describe('what SessionBook forgets by itself', () => {
  let alarms: Alarms;
  let store: SessionBook;
  let forgotten: string[];

  function start(change: Partial<typeof settings> = {}): void {
    const clock = Object.assign(new Clock(), { nowMs: () => Date.now() });
    alarms = new Alarms(clock);
    store = new SessionBook(loadConfig({ ...settings, ...change }).config, clock, alarms);
    forgotten = [];
    store.forgotten$.subscribe(sessionId => forgotten.push(sessionId));
  }
  async function work(sessionId: string): Promise<void> {
    store.reserve(sessionId, 't', used, false);
    store.settle(sessionId, 't', used, true);
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    start();
  });
  afterEach(() => {
    alarms.onModuleDestroy();
    vi.useRealTimers();
  });

  it('is told without anybody looking, once for each session that worked (B-SS-020)', async () => {
    await work('first');
    store.open('only-looked-at');
    vi.advanceTimersByTime(budgets.ttlMs / 2);
    await work('second');
    store.reserve('at-work', 't', used, false);
    vi.advanceTimersByTime(budgets.ttlMs / 2 + 2000);
    expect(forgotten).toEqual(['first']);
    vi.advanceTimersByTime(budgets.ttlMs);
    expect(forgotten).toEqual(['first', 'second']);
  });

  it('is told before the same id is a session again', async () => {
    await work('s');
    vi.advanceTimersByTime(budgets.ttlMs);
    store.reserve('s', 'again', used, false);
    expect(forgotten).toEqual(['s']);
  });

  it('is told when it has made room, but not when it was deleted (B-SS-023)', async () => {
    start({ ORCHD_SESSIONS_MAX: '2' });
    for (const sessionId of ['a', 'b', 'c']) await work(sessionId);
    expect(forgotten).toEqual(['a']);
    store.delete('b');
    expect(forgotten).toEqual(['a']);
  });

  it('costs the same to find, however many sessions are at work', async () => {
    const openingMs = async (atWork: number): Promise<number> => {
      start({ ORCHD_SESSIONS_MAX: '1' });
      for (let n = 0; n < atWork; n++) store.reserve(`busy-${n}`, 't', used, false);
      // Of this process: others may have the machine meanwhile.
      const from = process.cpuUsage();
      for (let n = 0; n < 5000; n++) store.open(`new-${n}`);
      const { user, system } = process.cpuUsage(from);
      return (user + system) / 1000;
    };
    await openingMs(10);
    const fewMs = await openingMs(10);
    // Walking past those at work takes a hundred times as long; the rest is room for what else the process does.
    expect(await openingMs(20_000)).toBeLessThan(10 * fewMs + 100);
  });
});
