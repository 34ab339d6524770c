import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { PoolsNode } from '../../../test/support/pools-node';
import { describePoolsOfNodes, worker } from '../../../test/support/pools-nodes';
import { ServiceError } from '../../errors/service-error';
import { endWorkScript } from './scripts/pool-scripts';

const purge = { purgeEngine: false, purgeModels: [], drainFirst: true, deleteCacheDirs: false, force: false };

describePoolsOfNodes('what nodes make of each other’s reloads and purges', nodes => {
  let a: PoolsNode;
  let b: PoolsNode;
  beforeEach(() => {
    ({ a, b } = nodes);
  });

  beforeEach(async () => {
    await a.bindings.bind(worker());
    await nodes.allLook();
  });

  it('a reload is not opened by the end of another’s, which is heard of only then (B-ND-009)', async () => {
    const first = b.reloads.reload('p', 'm');
    await nodes.settle();
    await a.look();
    b.finishWorks();
    await first;
    const second = a.reloads.reload('p', 'n');
    await nodes.allLook();
    for (const node of nodes.all) expect(await node.registry.pool('p')).toMatchObject({ reloading: true });
    a.finishWorks();
    await second;
    await nodes.allLook();
    for (const node of nodes.all) expect(await node.registry.pool('p')).toMatchObject({ reloading: false });
  });

  it('a reload that lapsed, for its node or the store was away, keeps work off the pool again (B-ND-009)', async () => {
    const { store } = nodes.opened;
    const first = a.reloads.reload('p', 'm');
    await nodes.allLook();
    await store.call('DEL', `${store.prefix}:works`);
    await store.call('INCR', `${store.prefix}:pv`);
    await b.look();
    expect((await b.registry.pool('p'))?.reloading).toBe(false);
    await a.look();
    await b.look();
    expect((await b.registry.pool('p'))?.reloading).toBe(true);
    await expect(b.reloads.reload('p', 'n')).rejects.toMatchObject({ code: 'POOL_BUSY' });
    a.finishWorks();
    await first;
    await nodes.allLook();
    for (const node of nodes.all) expect((await node.registry.pool('p'))?.reloading).toBe(false);
  });

  it('a purge by force that lapsed does not end what others have begun since (B-ND-009)', async () => {
    const { store } = nodes.opened;
    await b.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
    await a.purges.purge('p', { ...purge, drainFirst: false, force: true });
    await nodes.allHear();
    await store.call('DEL', `${store.prefix}:works`);
    await store.call('INCR', `${store.prefix}:pv`);
    await b.look();
    const ended = vi.fn();
    b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
    await nodes.allLook();
    expect(ended).not.toHaveBeenCalled();
    a.finishWorks();
  });

  it('a reload waits for what other nodes run there, and all tell of it (B-ND-009)', async () => {
    await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
    // As a beat has it.
    a.registry.slotsTaken('p', 'r', 1);
    expect((await a.registry.pool('p'))?.running).toBe(1);
    const begun = vi.fn();
    const reload = a.reloads.reload('p', 'm').then(begun);
    await nodes.settle();
    a.finishWorks();
    await nodes.settle();
    expect(begun).not.toHaveBeenCalled();
    a.registry.slotsTaken('p', 'r', 0);
    await nodes.settle();
    a.finishWorks();
    await reload;
  });

  it('a purge that drains first lets others have the whole of its time, from when they hear of it (B-ND-009)', async () => {
    const ended = vi.fn();
    for (const node of nodes.all) await node.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
    b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
    a.registry.slotsTaken('p', 'r', 1);
    b.store.hold('looks', 'sending');
    await a.purges.purge('p', purge);
    await nodes.passes(5000);
    b.store.release('looks');
    await nodes.allHear();
    await nodes.passes(59_999);
    expect(ended).not.toHaveBeenCalled();
    await nodes.passes(1);
    expect(ended).toHaveBeenCalledOnce();
    await nodes.passes(500);
    a.registry.slotsTaken('p', 'r', 0);
    await nodes.settle();
    a.finishWorks();
    await nodes.settle();
    expect((await a.registry.pool('p'))?.lastPurge).toMatchObject({ steps_not_done: 0 });
  });

  describe('a purge by force', () => {
    const byForce = { ...purge, drainFirst: false, force: true };
    const ended = vi.fn();

    beforeEach(async () => {
      for (const node of nodes.all) await node.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
      ended.mockReset();
      b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
      await a.purges.purge('p', byForce);
      await nodes.settle();
    });

    /** What it has come to, where that is known. */
    const report = async () => (await a.registry.pool('p'))?.lastPurge;
    const goesOn = async (): Promise<void> => {
      await a.look();
      await nodes.settle();
      a.finishWorks();
      await nodes.settle();
    };

    it('is not over before others have heard of it, and have ended what they run (B-ND-009)', async () => {
      await goesOn();
      expect([await report(), ended.mock.calls]).toEqual([undefined, []]);
      await b.look();
      expect(ended).toHaveBeenCalledOnce();
      await goesOn();
      expect(await report()).toMatchObject({ steps_not_done: 0 });
    });

    it('ends what others run also where it is over before they come to do it (B-ND-009)', async () => {
      b.store.hold('looks', 'replies');
      void b.look();
      await nodes.settle();
      b.store.release('looks');
      await nodes.settle();
      await goesOn();
      // Its next look has that it is over.
      await b.look();
      await nodes.settle();
      expect(ended).toHaveBeenCalledOnce();
    });

    it('does not wait for a node that is no more (B-ND-009)', async () => {
      await goesOn();
      expect(await report()).toBeUndefined();
      await b.stop();
      await goesOn();
      expect(await report()).toMatchObject({ steps_not_done: 0 });
    });

    it('waits once for one that says nothing, also where it drains first (B-ND-009)', async () => {
      await a.bindings.bind(worker({ poolId: 'q', url: 'http://two' }));
      b.store.hold('looks', 'sending');
      await a.purges.purge('q', { ...byForce, drainFirst: true });
      await nodes.settle();
      await nodes.passes(20_000);
      a.finishWorks();
      await nodes.settle();
      expect((await a.registry.pool('q'))?.lastPurge).toMatchObject({ steps: [{ done: false }, { done: true }] });
      b.store.release('looks');
    });

    it('tells of a node that does not say that it heard of it (B-ND-009)', async () => {
      b.store.hold('looks', 'sending');
      await nodes.passes(20_000);
      await goesOn();
      const reason = 'Other nodes have not said that they heard of it.';
      expect(await report()).toMatchObject({ steps_not_done: 1, steps: [{ done: false, reason }] });
      b.store.release('looks');
    });
  });

  it('what a node does itself is not taken for another’s where it has ended while a look was under way (B-ND-009)', async () => {
    await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
    await a.purges.purge('p', { ...purge, drainFirst: false, force: true });
    await nodes.allHear();
    a.store.hold('looks', 'replies');
    void a.look();
    await nodes.settle();
    // What it has found changed is read, and not heard yet.
    a.store.release('looks');
    a.store.hold('looks', 'replies');
    await nodes.settle();
    a.finishWorks();
    await nodes.settle();
    const ended = vi.fn();
    a.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
    a.store.release('looks');
    await nodes.passes(1);
    expect(ended).not.toHaveBeenCalled();
  });

  it('a reload waits for what another node had begun there just before (B-ND-009)', async () => {
    await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
    a.beat = async () => a.registry.slotsTaken('p', 'r', 1);
    const over = vi.fn();
    const reload = a.reloads.reload('p', 'm').then(over);
    await nodes.settle();
    a.finishWorks();
    await nodes.settle();
    expect(over).not.toHaveBeenCalled();
    a.registry.slotsTaken('p', 'r', 0);
    await nodes.settle();
    a.finishWorks();
    await reload;
  });

  it('what a purge came to is told by a node that starts after it, and of a pool that was bound anew (B-ND-009)', async () => {
    await a.purges.purge('p', purge);
    await nodes.allHear();
    a.finishWorks();
    await nodes.allLook();
    await b.bindings.unbind('p', 'r', { reason: 'operator' });
    await nodes.allLook();
    await b.bindings.bind(worker());
    const late = await nodes.started(await nodes.opened.another(), 'late');
    await nodes.allLook();
    const { lastPurge } = (await late.registry.pool('p')) ?? {};
    expect(lastPurge).toMatchObject({ steps_not_done: 0 });
    for (const node of [a, b]) expect((await node.registry.pool('p'))?.lastPurge).toEqual(lastPurge);
  });

  it('what a purge came to is kept where the store is away as it ends, and no older report told instead (B-ND-009)', async () => {
    const isPurged = async (order: object): Promise<void> => {
      await a.purges.purge('p', { ...purge, ...order });
      await nodes.allHear();
      a.finishWorks();
      await nodes.allLook();
    };
    const reportAt = async (node: PoolsNode) => (await node.registry.pool('p'))?.lastPurge;
    await isPurged({});
    const run = a.store.run.bind(a.store);
    const away = vi.spyOn(a.store, 'run').mockImplementation(async (script, ...args) => {
      if (script === endWorkScript) throw new ServiceError('STORAGE_UNAVAILABLE');
      return run(script, ...args);
    });
    await isPurged({ force: true });
    // So that there is something to look at.
    await b.drains.drain('p', 60_000);
    await nodes.allLook();
    const twoSteps = { steps_total: 2 };
    expect([await reportAt(a), await reportAt(b)]).toMatchObject([twoSteps, { steps_total: 1 }]);
    expect(a.warnings).toEqual([{ event: 'pool_work_not_ended', pool_id: 'p' }]);
    away.mockRestore();
    await nodes.passes(1000);
    await nodes.allLook();
    expect([await reportAt(a), await reportAt(b)]).toMatchObject([twoSteps, twoSteps]);
  });
});
