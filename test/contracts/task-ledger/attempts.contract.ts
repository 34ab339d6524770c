import { describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../../support/deadline';
import type { Ended } from '../../../src/tasks/ledger/task-ledger.port';
import { completed, failure, cancelled, pinned, type LedgerUse } from './ledger-use';

export function ledgerAttempts(use: LedgerUse): void {
  const { admit, claimed, claimAll, mustClaim, cancel } = use;
  describe('attempts', () => {
    it('never gives more claims than there are slots, and frees each once', async () => {
      await use.test.bind('p/r', 2);
      for (const id of ['a', 'b', 'c']) await admit(id);
      const held = [...(await use.ledger.live())]
        .filter(task => task.state === 'dispatching')
        .map(task => task.spec.taskId);
      const claims = [...(await claimAll()), ...held];
      expect(claims.sort()).toEqual(['a', 'b']);
      expect(use.test.slotsFree('p/r')).toBe(0);
      await cancel('a');
      await cancel('a');
      expect(use.test.slotsFree('p/r')).toBe(1);
      expect(await claimed()).toBe('c');
    });

    it('refuses what a lost claim writes', async () => {
      await use.test.bind('p/r', 1);
      const { claim } = await admit('t');
      if (!claim) throw new Error('no claim');
      let lost = 0;
      claim.onLost = () => lost++;
      expect(await cancel('t')).toBe(true);
      expect([lost, claim.isHeld]).toEqual([1, false]);
      expect(await use.ledger.end(claim, completed)).toBeUndefined();
      expect(await use.ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 0, counts: true })).toBe(
        false,
      );
      expect(await use.ledger.markFirstToken(claim)).toBe(false);
      expect(await use.ledger.find('t')).toBeUndefined();
    });

    it('lets one of several endings win, and the others wait for it', async () => {
      await use.test.bind('p/r', 1);
      const { claim } = await admit('t');
      const [own, other] = [claim && (await use.ledger.end(claim, completed)), await use.ledger.cancel('t', cancelled)];
      expect(own?.ending).toMatchObject({ state: 'completed', usage: { tokensOut: 3 } });
      expect(other).not.toHaveProperty('ending');
      let isOver = false;
      void (other as { over: Promise<void> }).over.then(() => (isOver = true));
      await own?.record(undefined);
      expect(isOver).toBe(false);
      own?.concluded();
      await (other as { over: Promise<void> }).over;
      expect(await use.ledger.cancel('t', cancelled)).toBeUndefined();
    });

    it.runIf(use.answersEarly)(
      'tells an ending that was seen after a second, and waits for one with output that nobody has seen until it is known',
      async () => {
        await use.test.bind('p/r', 3);
        const endings: (Ended | undefined)[] = [];
        for (const id of ['seen', 'unseen', 'lost']) {
          const { claim } = await admit(id);
          endings.push(claim && (await use.ledger.end(claim, completed)));
        }
        const [seen, unseen, lost] = endings;
        const letThrough = use.hold();
        const told: Record<string, boolean | undefined> = {};
        void seen?.record(undefined).then(isDurable => (told['seen'] = isDurable));
        void unseen?.record(undefined, true).then(isDurable => (told['unseen'] = isDurable));
        await use.test.advance(60_000);
        expect(told).toEqual({ seen: false });
        letThrough(false);
        await expect.poll(() => told['unseen'], { timeout: LAST_RESORT_MS }).toBe(true);

        const fail = use.hold();
        const recorded = lost?.record(undefined, true);
        await use.test.advance(0);
        fail(true);
        expect(await recorded).toBe(false);
      },
    );

    it('reports what was shown when somebody else ends it', async () => {
      await use.test.bind('p/r', 1);
      const { claim } = await admit('t');
      if (!claim) throw new Error('no claim');
      claim.shown.tokens = 7;
      expect(await use.ledger.markFirstToken(claim)).toBe(true);
      expect((await use.ledger.find('t'))?.state).toBe('streaming');
      const ended = await use.ledger.cancel('t', cancelled);
      expect(ended).toMatchObject({ ending: { state: 'cancelled', usage: { tokensOut: 7 }, attempts: 1 } });
    });

    it('returns one that has shown nothing to its place, after a delay, elsewhere first', async () => {
      await use.test.bind('a/r', 1);
      const { claim } = await admit('first');
      await admit('second');
      if (!claim) throw new Error('no claim');
      expect(
        await use.ledger.requeue(claim, { failure, delayMs: 100, elsewhereMs: 100, avoidMs: 1000, counts: true }),
      ).toBe(true);
      expect([(await use.ledger.find('first'))?.state, await use.ledger.position('first')]).toEqual([
        'queued',
        undefined,
      ]);
      expect(await claimed()).toBe('second');
      await use.test.advance(100);
      expect(await use.ledger.position('first')).toBe(0);
      await use.test.bind('b/r', 1);
      const again = await mustClaim();
      expect([again.spec.taskId, again.lease.poolId, again.attempt]).toEqual(['first', 'b', 2]);
    });

    it('waits for another replica only as long as it avoids the one that failed', async () => {
      await use.test.bind('a/r', 1);
      const { claim } = await admit('t');
      await use.test.bind('b/r', 1);
      await admit('busy', pinned('b'));
      await claimAll();
      if (!claim) throw new Error('no claim');
      await use.ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 1000, counts: false });
      await use.test.advance(1);
      expect(await claimed()).toBeUndefined();
      await use.test.advance(1000);
      const again = await mustClaim();
      expect([again.lease.poolId, again.attempt]).toEqual(['a', 1]);
    });

    it('uses one that failed it where there is no other', async () => {
      await use.test.bind('a/r', 1);
      const { claim } = await admit('t');
      if (claim) await use.ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 1000, counts: true });
      await use.test.advance(1);
      expect(await claimed()).toBe('t');
    });

    it('takes back nothing that may have been seen', async () => {
      await use.test.bind('a/r', 1);
      const { claim } = await admit('t');
      if (!claim) throw new Error('no claim');
      await use.ledger.markFirstToken(claim);
      expect(await use.ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 0, counts: true })).toBe(
        false,
      );
    });

    it('gives a queued task for a lease that is no pool\u2019s, once', async () => {
      await use.test.bind('a/r', 1);
      const { claim } = await admit('running');
      await admit('t');
      if (!claim) throw new Error('no claim');
      expect((await use.ledger.claimFor('t', { ...claim.lease, release: () => undefined }))?.spec.taskId).toBe('t');
      expect(await use.ledger.claimFor('t', claim.lease)).toBeUndefined();
      expect(await use.ledger.claimFor('running', claim.lease)).toBeUndefined();
    });

    it('says when a deadline has passed, of queued tasks and of running ones', async () => {
      const heard = new Set<string>();
      const overdue = use.ledger.overdue$.subscribe(taskId => heard.add(taskId));
      await use.test.bind('a/r', 1);
      await admit('running', { deadlineMs: 100 });
      await admit('queued', { deadlineMs: 200 });
      await admit('ended', { deadlineMs: 100 });
      await cancel('ended');
      await use.test.advance(150);
      expect([...heard]).toEqual(['running']);
      await use.test.advance(100);
      expect([...heard]).toEqual(['running', 'queued']);
      overdue.unsubscribe();
    });

    it('lets go, for a shutdown, of what has shown nothing and of nothing else', async () => {
      await use.test.bind('a/r', 2);
      const { claim: shown } = await admit('shown');
      const { claim: silent } = await admit('silent');
      if (!shown || !silent) throw new Error('no claims');
      await use.ledger.markFirstToken(shown);
      use.ledger.abandonAll();
      expect([shown.isHeld, silent.isHeld, use.test.slotsFree('a/r')]).toEqual([true, false, 1]);
      expect(await use.ledger.find('silent')).toBeDefined();
    });
  });
}
