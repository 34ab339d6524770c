import { describe, expect, it } from 'vitest';
import type { Admitted } from '../../../src/tasks/ledger/task-ledger.port';
import { plainSpec } from '../journal-samples';
import { completed, cancelled, submissionOf, pinned, type LedgerUse } from './ledger-use';

export function ledgerAdmission(use: LedgerUse): void {
  const { admit, claimAll, conclude, cancel, kindOf, start } = use;
  describe('admission', () => {
    it('admits the same submission once, and refuses another under its id (B-DP-012)', async () => {
      const { facts } = await admit('t');
      expect(await use.ledger.admit(submissionOf('t'))).toMatchObject({ kind: 'known', facts });
      expect(await kindOf(submissionOf('t', {}, 'another body'))).toBe('conflict');
      expect(use.ledger.depth()).toEqual({ interactive: 1, batch: 0 });
    });

    it('does not admit the id of a task that has ended', async () => {
      await admit('t');
      await cancel('t');
      const again = await use.ledger.admit(submissionOf('t'));
      // Whether it is known is found out at once, or when it is written.
      if (again.kind !== 'conflict')
        await expect((again as Admitted).durable).rejects.toMatchObject({ code: 'TASK_CONFLICT' });
      expect(await use.ledger.find('t')).toBeUndefined();
      expect(use.ledger.depth()).toEqual({ interactive: 0, batch: 0 });
    });

    it('refuses past its capacity, and takes one more when one has gone (B-DP-013)', async () => {
      await start({ capacity: 2 });
      await admit('a');
      await admit('b');
      expect(await use.ledger.admit(submissionOf('c'))).toMatchObject({ kind: 'full', reason: 'places' });
      await cancel('a');
      expect((await admit('d')).facts.queuePosition).toBe(1);
    });

    it('under drop-lru gives the place of the one admitted first, whatever its class (B-DP-014)', async () => {
      await start({ capacity: 2, policy: 'drop-lru' });
      await admit('old', { priority: 'batch' });
      await admit('young');
      const { durable } = await admit('new');
      const dropped = await durable;
      expect(dropped).toMatchObject({ ending: { taskId: 'old', state: 'dropped', code: 'QUEUE_FULL_DROP_LRU' } });
      await conclude(dropped);
      expect([await use.ledger.find('old'), await use.ledger.position('young')]).toEqual([undefined, 0]);
      expect(use.ledger.depth()).toEqual({ interactive: 2, batch: 0 });
    });

    it.runIf(use.answersEarly)(
      'keeps nothing of an admission that does not become durable, and gives everything back',
      async () => {
        await start({ capacity: 1, policy: 'drop-lru', tokensBudget: 100 });
        await admit('old', { sessionId: 's', ownSession: false });
        const settle = use.hold();
        const outcome = (await use.ledger.admit(
          submissionOf('new', { sessionId: 's', ownSession: false }),
        )) as Admitted;
        expect(use.ledger.depth()).toEqual({ interactive: 1, batch: 0 });
        const cancelling = await use.ledger.cancel('old', cancelled);
        settle(true);
        await expect(outcome.durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        expect(cancelling).not.toHaveProperty('ending');
        await (cancelling as { over: Promise<void> }).over;
        expect([await use.ledger.position('old'), await use.ledger.find('new')]).toEqual([0, undefined]);
        expect((await use.test.session('s')).remaining.tokens).toBe(90);
        expect(await cancel('old')).toBe(true);
      },
    );

    it.runIf(use.answersEarly)('lets go of an attempt whose admission does not become durable', async () => {
      await use.test.bind('p/r', 1);
      const settle = use.hold();
      const { claim, durable } = (await use.ledger.admit(submissionOf('t'))) as Admitted;
      let lost = 0;
      if (claim) claim.onLost = () => lost++;
      settle(true);
      await expect(durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect([lost, claim?.isHeld, use.test.slotsFree('p/r')]).toEqual([1, false, 1]);
      expect(claim && (await use.ledger.end(claim, completed))).toBeUndefined();
    });

    it.runIf(use.answersEarly)('writes no ending of a task that was not admitted after all', async () => {
      await use.test.bind('p/r', 1);
      const settle = use.hold();
      const { claim, durable } = (await use.ledger.admit(submissionOf('t'))) as Admitted;
      const ended = claim && (await use.ledger.end(claim, completed));
      const recorded = ended?.record(undefined);
      settle(true);
      await expect(durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect([await recorded, ended?.isVoid]).toEqual([false, true]);
      ended?.concluded();
      expect(await kindOf(submissionOf('t'))).toBe('admitted');
    });

    it('keeps those that nothing can serve in a room of their own', async () => {
      await start({ capacity: 2 });
      await use.test.bind('p/r', 1);
      await admit('running');
      for (const id of ['x', 'y']) await admit(id, pinned('nowhere'));
      expect(await use.ledger.admit(submissionOf('z', pinned('elsewhere')))).toMatchObject({
        kind: 'full',
        isServed: false,
      });
      expect((await admit('a')).facts.queuePosition).toBe(0);
      expect((await admit('b')).facts.queuePosition).toBe(1);
      expect(await use.ledger.admit(submissionOf('c'))).toMatchObject({ kind: 'full', isServed: true });
      expect(await use.ledger.position('y')).toBe(1);
      await use.test.bind('nowhere/r', 2);
      expect(await claimAll()).toEqual(['x', 'y']);
    });

    it('moves those that wait to the others as soon as something can serve them, and back', async () => {
      await start({ capacity: 2 });
      for (const id of ['x', 'y']) await admit(id, pinned('x'));
      await use.test.bind('x/r', 1);
      await admit('running', pinned('nowhere'));
      expect(await kindOf(submissionOf('z', pinned('x')))).toBe('full');
      await use.test.lose('x/r');
      expect(await use.ledger.position('y')).toBe(1);
      expect(await kindOf(submissionOf('z', pinned('nowhere')))).toBe('full');
      await use.test.bind('p/r', 1);
      expect((await admit('a')).facts.queuePosition).toBe(0);
    });

    it('sees what has been bound since the last that waited for it has gone', async () => {
      await admit('gone', pinned('x'));
      await cancel('gone');
      await use.test.bind('x/r', 1);
      expect((await admit('t', pinned('x'))).claim?.spec.taskId).toBe('t');
    });

    it('under drop-lru too takes none of those that nothing can serve where there are no places for them', async () => {
      await start({ policy: 'drop-lru', unservedCapacity: 0 });
      for (const id of ['x', 'y']) {
        const outcome = await use.ledger.admit(submissionOf(id, pinned('nowhere')));
        expect(outcome).toEqual({ kind: 'full', reason: 'places', isServed: false });
      }
      expect(use.ledger.depth()).toEqual({ interactive: 0, batch: 0 });
    });

    it('makes room where there is none, and only there', async () => {
      await start({ capacity: 1, policy: 'drop-lru' });
      const { constraints } = plainSpec('any');
      expect(await use.ledger.makeRoom(constraints)).toBeUndefined();
      await admit('a');
      const dropped = await use.ledger.makeRoom(constraints);
      expect(dropped?.ending).toMatchObject({ taskId: 'a', state: 'dropped' });
      await conclude(dropped);
      expect(use.ledger.depth()).toEqual({ interactive: 0, batch: 0 });
    });
  });
}
