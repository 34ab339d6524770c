import { describe, expect, it } from 'vitest';
import { completed, type LedgerUse } from './ledger-use';

export function ledgerRestart(use: LedgerUse): void {
  const { admit, claimAll, conclude, cancel, start } = use;
  describe('a start after a crash', () => {
    it('puts what had shown nothing back in its order, and names what may have been seen', async () => {
      await use.test.bind('a/r', 2);
      const { claim: shown } = await admit('shown', { sessionId: 's', ownSession: false });
      await admit('silent', { sessionId: 's', ownSession: false });
      for (const id of ['c', 'b', 'a']) await admit(id);
      await admit('ended');
      await cancel('ended');
      if (!shown) throw new Error('no claim');
      await use.ledger.markFirstToken(shown);
      await use.reopen();
      const { interrupted } = await use.ledger.adopt();
      expect([use.ledger.depth().interactive, interrupted.map(task => task.spec.taskId)]).toEqual([4, ['shown']]);
      expect((await use.test.session('s')).liveTasks).toBe(2);
      expect((await admit('new')).facts.queuePosition).toBe(4);
      await use.test.bind('a/r', 9);
      expect(await claimAll()).toEqual(['silent', 'c', 'b', 'a', 'new']);
      expect(await cancel('shown')).toBe(true);
    });

    it('keeps what sessions have spent', async () => {
      await start({ tokensBudget: 25 });
      await use.test.bind('a/r', 1);
      const { claim } = await admit('t', { sessionId: 's', ownSession: false });
      await conclude(claim && (await use.ledger.end(claim, completed)));
      await use.reopen();
      await use.ledger.adopt();
      expect(await use.test.session('s')).toMatchObject({ turns: 1, remaining: { tokens: 22 } });
    });
  });
}
