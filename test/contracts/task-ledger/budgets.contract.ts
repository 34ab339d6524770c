import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../../src/tasks/task/task';
import { completed, submissionOf, type LedgerUse } from './ledger-use';

export function ledgerBudgets(use: LedgerUse): void {
  const { admit, conclude, cancel, kindOf, start } = use;
  describe('budgets', () => {
    const named: Partial<TaskSpec> = { sessionId: 's', ownSession: false };

    it('reserves the most a task can use, and settles what it did use', async () => {
      await start({ tokensBudget: 25 });
      await use.test.bind('p/r', 1);
      const { claim } = await admit('a', named);
      expect((await use.test.session('s')).remaining.tokens).toBe(15);
      await admit('b', named);
      expect(await use.ledger.admit(submissionOf('c', named))).toMatchObject({
        kind: 'over-budget',
        budget: 'tokens',
        isSpent: false,
      });
      const ended = claim && (await use.ledger.end(claim, completed));
      expect(ended?.remaining.tokens).toBe(12);
      await conclude(ended);
      await cancel('b');
      expect(await use.test.session('s')).toMatchObject({ turns: 1, remaining: { tokens: 22 } });
      expect((await use.ledger.admit(submissionOf('d', { ...named, maxTokens: 23 }))).kind).toBe('over-budget');
    });

    it('never spends more than was reserved, whatever an engine reports', async () => {
      await start({ tokensBudget: 25 });
      await use.test.bind('p/r', 1);
      const { claim } = await admit('a', named);
      const usage = { tokensOut: 99, decodeMs: 1, finishReason: 'stop' } as const;
      await conclude(claim && (await use.ledger.end(claim, { state: 'completed', usage })));
      expect((await use.test.session('s')).remaining.tokens).toBe(15);
    });

    it('gives a reservation back with a refusal', async () => {
      await start({ capacity: 1, tokensBudget: 25 });
      await admit('a', named);
      expect(await kindOf(submissionOf('b', named))).toBe('full');
      expect((await use.test.session('s')).remaining.tokens).toBe(15);
    });

    it('lets what is left of the time bound the run, not the deadline', async () => {
      await start({ timeBudgetMs: 1000 });
      await use.test.bind('p/r', 1);
      const long = { ...named, deadlineMs: 1000 };
      const { claim } = await admit('a', long);
      expect(claim?.timeLimitMs).toBe(1000);
      await conclude(claim && (await use.ledger.end(claim, completed)));
      const next = await admit('b', long);
      expect(next.claim?.timeLimitMs).toBe(960);
      expect((await use.ledger.admit(submissionOf('c', long))).kind).toBe('over-budget');
    });
  });
}
