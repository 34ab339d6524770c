import { describe, expect, it } from 'vitest';
import type { LaneAhead } from '../../../src/tasks/ledger/lane-ahead';
import { completed, pinned, type LedgerUse } from './ledger-use';

export function ledgerOrder(use: LedgerUse): void {
  const { admit, claimAll, mustClaim, conclude, cancel, start } = use;
  describe('order', () => {
    it('serves by time of admission, and says how many go before', async () => {
      const places = [];
      for (const id of ['a', 'b', 'c']) places.push((await admit(id)).facts.queuePosition);
      expect(places).toEqual([0, 1, 2]);
      expect([await use.ledger.position('a'), await use.ledger.position('c')]).toEqual([0, 2]);
      await use.test.bind('p/r', 3);
      expect(await claimAll()).toEqual(['a', 'b', 'c']);
    });

    it('says what goes before by lane, for one that waits and for one that would come', async () => {
      await start({ batchAgeingMs: 1000 });
      await admit('a', { prompt: 'xx', maxTokens: 5 });
      await admit('b', { prompt: 'é', maxTokens: 7 });
      await admit('pinned', { ...pinned('p'), prompt: 'xxx', maxTokens: 9 });
      await admit('batch', { priority: 'batch', prompt: 'x', maxTokens: 11 });
      const sumsOf = (lanes: readonly LaneAhead[]): object =>
        Object.fromEntries(lanes.map(({ constraints, sums }) => [constraints.pinPoolId ?? 'any', sums]));
      const interactive = {
        any: { tasks: 2, bytes: 4, askedTokens: 12 },
        p: { tasks: 1, bytes: 3, askedTokens: 9 },
      };
      expect(sumsOf(await use.ledger.aheadOf('b'))).toEqual({ any: { tasks: 1, bytes: 2, askedTokens: 5 } });
      expect(sumsOf(await use.ledger.aheadOf('batch'))).toEqual(interactive);
      await use.test.advance(10);
      expect(sumsOf(await use.ledger.ahead('interactive'))).toEqual(interactive);
      expect(sumsOf(await use.ledger.ahead('batch'))).toEqual({
        ...interactive,
        any: { tasks: 3, bytes: 5, askedTokens: 23 },
      });
      await cancel('a');
      await cancel('pinned');
      expect(sumsOf(await use.ledger.aheadOf('batch'))).toEqual({ any: { tasks: 1, bytes: 2, askedTokens: 7 } });
      expect([await use.ledger.aheadOf('a'), await use.ledger.aheadOf('nobody')]).toEqual([[], []]);
    });

    it('lets interactive tasks go first, and a batch task that has waited its time before newer ones (B-DP-010, B-DP-011)', async () => {
      await start({ batchAgeingMs: 1000 });
      await admit('batch', { priority: 'batch' });
      await use.test.advance(500);
      await admit('soon');
      await use.test.advance(600);
      await admit('late');
      expect(use.ledger.depth()).toEqual({ interactive: 2, batch: 1 });
      await use.test.bind('p/r', 3);
      expect(await claimAll()).toEqual(['soon', 'batch', 'late']);
    });

    it('gives a claim with the admission where a slot is free and nobody waits', async () => {
      await use.test.bind('p/r', 1);
      const { claim, facts } = await admit('first');
      expect([claim?.spec.taskId, facts.queuePosition]).toEqual(['first', 0]);
      expect((await admit('second')).claim).toBeUndefined();
      expect(use.test.slotsFree('p/r')).toBe(0);
    });

    it('does not keep a task from a free slot behind one that may not use it', async () => {
      await use.test.bind('a/r', 1);
      await admit('running', pinned('a'));
      await admit('head', pinned('a'));
      await admit('other');
      await use.test.bind('b/r', 1);
      expect(await claimAll()).toEqual(['other']);
    });

    it('tells that a claim may succeed: after an admission, a slot that frees, a pool that comes', async () => {
      const heard: string[] = [];
      let cause = 'admission';
      const wakes = use.ledger.wake$.subscribe(() => heard.push(cause));
      await admit('a');
      cause = 'pool';
      await use.test.bind('p/r', 1);
      const claim = await mustClaim();
      cause = 'slot';
      await conclude(await use.ledger.end(claim, completed));
      wakes.unsubscribe();
      expect([...new Set(heard)]).toEqual(['admission', 'pool', 'slot']);
    });
  });
}
