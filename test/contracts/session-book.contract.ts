import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Spend } from '../../src/sessions/session-store.port';
import type { SessionBook } from '../../src/storage/embedded/session-book';

export interface SessionStoreSetup {
  readonly store: SessionBook;
  /** Lets this much time pass on the store's clock. */
  readonly advance: (ms: number) => void;
}

export const budgets = { tokens: 1000, timeMs: 10_000, cost: 5, ttlMs: 600_000, maxSessions: 10 };

const spend = (tokens: number, timeMs = 0, cost = 0): Spend => ({ tokens, timeMs, cost });

/** What every session store promises, with {@link budgets} set. */
export function sessionStoreContract(name: string, setUp: () => Promise<SessionStoreSetup>): void {
  describe(name, () => {
    let store: SessionBook;
    let advance: (ms: number) => void;
    beforeEach(async () => ({ store, advance } = await setUp()));

    it('makes a session when it is looked at, with all of its time and budgets', async () => {
      expect(store.open('s')).toMatchObject({
        ttlMsRemaining: budgets.ttlMs,
        turns: 0,
        remaining: spend(1000, 10_000, 5),
      });
    });

    it('does not renew a session that is only looked at', async () => {
      store.open('s');
      advance(1000);
      expect(store.open('s').ttlMsRemaining).toBe(budgets.ttlMs - 1000);
    });

    it('forgets a session whose time has passed, and never one at work', async () => {
      store.reserve('idle', 't1', spend(10), false);
      store.settle('idle', 't1', spend(10), true);
      store.reserve('busy', 't2', spend(10), false);
      advance(budgets.ttlMs + 1);
      expect(store.open('idle').turns).toBe(0);
      expect(store.settle('busy', 't2', spend(10), true).turns).toBe(1);
    });

    it('frees what was reserved and not used, and spends what was', async () => {
      store.reserve('s', 't', spend(600, 100, 1), false);
      expect(store.open('s').remaining).toEqual(spend(400, 9900, 4));
      store.settle('s', 't', spend(250, 60, 0.25), true);
      expect(store.open('s').remaining).toEqual(spend(750, 9940, 4.75));
    });

    it('settles a task once', async () => {
      store.reserve('s', 't', spend(100), false);
      store.settle('s', 't', spend(100), true);
      store.settle('s', 't', spend(100), true);
      expect(store.open('s')).toMatchObject({ turns: 1, remaining: { tokens: 900 } });
    });

    it('tells a budget that is spent from one that is only reserved', async () => {
      store.reserve('s', 't1', spend(600), false);
      expect(store.reserve('s', 't2', spend(600), false)).toMatchObject({
        ok: false,
        budget: 'tokens',
        spent: false,
      });
      store.settle('s', 't1', spend(600), true);
      expect(store.reserve('s', 't3', spend(600), false)).toMatchObject({
        ok: false,
        budget: 'tokens',
        spent: true,
      });
      expect(store.reserve('s', 't4', spend(400), false)).toMatchObject({ ok: true });
    });

    it('does not drift over many small costs', async () => {
      for (let n = 0; n < 1000; n++) {
        store.reserve('s', `t${n}`, spend(0, 0, 0.001), false);
        store.settle('s', `t${n}`, spend(0, 0, 0.001), false);
      }
      expect(store.open('s').remaining.cost).toBe(4);
    });

    it('lets a session of a task alone go with its task', async () => {
      store.reserve('own', 't', spend(10), true);
      store.settle('own', 't', spend(10), true);
      expect(store.open('own').turns).toBe(0);
    });

    it('keeps the session of a task alone once a client names it (B-SS-022)', async () => {
      store.reserve('s', 'alone', spend(100), true);
      store.reserve('s', 'named', spend(100), false);
      expect(store.settle('s', 'named', spend(60), true)).toMatchObject({ transient: false });
      expect(store.settle('s', 'alone', spend(40), true)).toMatchObject({ transient: false });
      expect(store.open('s')).toMatchObject({ turns: 2, remaining: { tokens: 900 } });
    });

    it('takes a task alone into the session that has its name', async () => {
      store.reserve('s', 'named', spend(100), false);
      store.settle('s', 'named', spend(60), true);
      store.reserve('s', 'alone', spend(100), true);
      expect(store.settle('s', 'alone', spend(40), true)).toMatchObject({ transient: false });
      expect(store.open('s')).toMatchObject({ turns: 2, remaining: { tokens: 900 } });
    });

    it('makes nothing of a task alone that is refused', async () => {
      for (let n = 0; n < budgets.maxSessions; n++) store.open(`s${n}`);
      advance(1000);
      expect(store.reserve('own', 't', spend(budgets.tokens + 1), true)).toMatchObject({ ok: false });
      expect(store.open('s0').ttlMsRemaining).toBe(budgets.ttlMs - 1000);
    });

    it('spends the whole of a budget, and nothing of one that is spent', async () => {
      expect(store.reserve('s', 't1', spend(1000, 10_000, 5), false)).toMatchObject({ ok: true });
      store.settle('s', 't1', spend(1000, 10_000, 5), true);
      expect(store.open('s').remaining).toEqual(spend(0));
      for (const [budget, least] of [
        ['tokens', spend(1)],
        ['time', spend(0, 1)],
        ['cost', spend(0, 0, 0.000_001)],
      ] as const) {
        expect(store.reserve('s', 't2', least, false)).toMatchObject({ ok: false, budget, spent: true });
      }
    });

    it('forgets a deleted session with its tasks, which settle into nothing', async () => {
      store.reserve('s', 't', spend(100), false);
      expect(store.delete('s')).toBe(true);
      expect(store.delete('s')).toBe(false);
      store.settle('s', 't', spend(100), true);
      expect(store.open('s')).toMatchObject({ turns: 0, remaining: { tokens: 1000 } });
    });

    it('takes up what a session had used before', async () => {
      store.restore('s', spend(100, 50, 1.005), 3);
      expect(store.open('s')).toMatchObject({ turns: 3, spent: spend(100, 50, 1.005) });
    });

    it('never forgets a session at work, though there are too many', async () => {
      for (let n = 0; n <= budgets.maxSessions; n++) store.reserve(`s${n}`, 't', spend(1), false);
      store.open('one-more');
      for (let n = 0; n <= budgets.maxSessions; n++) expect(store.settle(`s${n}`, 't', spend(1), true).turns).toBe(1);
    });

    it('keeps its bound by forgetting the longest idle', async () => {
      for (let n = 0; n < budgets.maxSessions; n++) {
        store.reserve(`s${n}`, 't', spend(1), false);
        store.settle(`s${n}`, 't', spend(1), true);
      }
      store.reserve('s0', 'again', spend(1), false);
      store.open('one-more');
      expect(store.open('s0').turns).toBe(1);
      expect(store.open('s1').turns).toBe(0);
    });

    it('never overspends, whatever is reserved, settled and forgotten in between', async () => {
      const step = fc.record({
        kind: fc.constantFrom('reserve', 'reserve', 'settle', 'wait'),
        task: fc.integer({ min: 0, max: 8 }),
        tokens: fc.integer({ min: 0, max: 700 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          ({ store, advance } = await setUp());
          const reserved = new Map<string, number>();
          let spent = 0;
          for (const { kind, task, tokens, share } of steps) {
            const taskId = `t${task}`;
            if (kind === 'wait') advance(100);
            else if (kind === 'reserve' && !reserved.has(taskId)) {
              const outcome = store.reserve('s', taskId, spend(tokens), false);
              const held = [...reserved.values()].reduce((sum, each) => sum + each, 0);
              expect(outcome.ok).toBe(spent + held + tokens <= budgets.tokens);
              if (outcome.ok) reserved.set(taskId, tokens);
            } else if (kind === 'settle' && reserved.has(taskId)) {
              const used = Math.floor((reserved.get(taskId) ?? 0) * share);
              store.settle('s', taskId, spend(used), true);
              spent += used;
              reserved.delete(taskId);
            }
            const held = [...reserved.values()].reduce((sum, each) => sum + each, 0);
            expect(spent + held).toBeLessThanOrEqual(budgets.tokens);
            expect(store.open('s').remaining.tokens).toBe(budgets.tokens - spent - held);
          }
        }),
        { numRuns: 100 },
      );
    });
  });
}
