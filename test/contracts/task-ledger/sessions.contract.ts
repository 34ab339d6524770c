import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../../src/tasks/task/task';
import { completed, type LedgerUse } from './ledger-use';

/** SessionStore, of the sessions that the ledger's tasks spend from. */
export function ledgerSessions(use: LedgerUse): void {
  const { admit, conclude, start } = use;
  describe('sessions', () => {
    const named: Partial<TaskSpec> = { sessionId: 's', ownSession: false };
    const untouched = { turns: 0, liveTasks: 0, remaining: { tokens: 25 }, spent: { tokens: 0 } };

    async function spendThree(): Promise<void> {
      await start({ tokensBudget: 25 });
      await use.test.bind('p/r', 1);
      const { claim } = await admit('a', named);
      await conclude(claim && (await use.ledger.end(claim, completed)));
      expect(await use.test.session('s')).toMatchObject({
        turns: 1,
        liveTasks: 0,
        remaining: { tokens: 22 },
        spent: { tokens: 3 },
        lastReplica: { poolId: 'p', replicaId: 'r' },
      });
    }

    it('are made when they are looked at, with all of their budgets', async () => {
      await start({ tokensBudget: 25 });
      expect(await use.test.session('s')).toMatchObject(untouched);
    });

    it('are not renewed by being looked at', async () => {
      const { ttlMsRemaining } = await use.test.session('s');
      await use.test.advance(1000);
      expect((await use.test.session('s')).ttlMsRemaining).toBeLessThanOrEqual(ttlMsRemaining - 1000);
    });

    it('are gone with what they have spent once they are deleted, over a restart too', async () => {
      await spendThree();
      await use.test.sessions.delete('s');
      expect(await use.test.session('s')).toMatchObject(untouched);
      await use.reopen();
      await use.ledger.adopt();
      expect(await use.test.session('s')).toMatchObject(untouched);
    });

    it('take nothing of a task that still ran when they were deleted', async () => {
      await spendThree();
      const { claim } = await admit('b', named);
      await use.test.sessions.delete('s');
      await conclude(claim && (await use.ledger.end(claim, completed)));
      expect(await use.test.session('s')).toMatchObject(untouched);
    });

    it('can be deleted where there is none', async () => {
      await expect(use.test.sessions.delete('never')).resolves.toBeUndefined();
    });
  });
}
