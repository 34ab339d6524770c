import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PoolsNode, settle } from '../../../test/support/pools-node';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { ServiceError } from '../../errors/service-error';
import type { Binding } from '../../pools/registry/pool';
import { endWorkScript } from './scripts/pool-scripts';

const worker = (more: Partial<Binding> = {}): Binding => ({
  ...{ poolId: 'p', replicaId: 'r', engine: 'llamacpp', source: 'worker', url: 'http://one' },
  ...more,
});
const file = { poolId: 'p', replicaId: 'r', engine: 'llamacpp', url: 'http://one' };
const purge = { purgeEngine: false, purgeModels: [], drainFirst: true, deleteCacheDirs: false, force: false };

describeOverStore('what nodes make of each other’s pools', server => {
  const nodes: PoolsNode[] = [];
  let a: PoolsNode;
  let b: PoolsNode;
  let opened: OpenStore;

  beforeEach(async () => {
    opened = await openStore(server());
    const second = await opened.another();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    [a, b] = [await started(opened, 'a'), await started(second, 'b')];
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.stop();
    vi.useRealTimers();
  });

  async function started({ store }: OpenStore, nodeId: string): Promise<PoolsNode> {
    const node = new PoolsNode(store, nodeId);
    nodes.push(node);
    await node.start();
    await settle(nodes);
    return node;
  }

  async function allLook(): Promise<void> {
    await settle(nodes);
    for (const node of nodes) await node.look();
    await settle(nodes);
  }

  /** Of what is begun, which goes on once that is known. */
  async function allHear(): Promise<void> {
    await allLook();
    await allLook();
  }

  async function passes(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    await settle(nodes);
  }

  const replicaAt = (node: PoolsNode) => node.registry.replica('p', 'r');
  const drainingAt = async (node: PoolsNode) => (await node.registry.pool('p'))?.draining;

  describe('drains', () => {
    beforeEach(async () => {
      await a.bindings.bind(worker());
      await allLook();
    });

    it('one that another node was told of meanwhile outlives the purge that drained for itself (B-ND-004)', async () => {
      await a.purges.purge('p', purge);
      await settle(nodes);
      await b.drains.drain('p', 60_000);
      await allHear();
      a.finishWorks();
      await allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([true, true]);
    });

    it('one that is taken back while a look has it yet stays so (B-ND-004)', async () => {
      await a.bindings.bind(worker({ poolId: 'q', url: 'http://two' }));
      await a.drains.drain('p', 60_000);
      await allLook();
      a.store.hold('writes', 'sending');
      void a.drains.drain('q', 60_000);
      await settle(nodes);
      // Behind that one.
      void a.drains.undrain('p');
      await settle(nodes);
      // So that there is something to look at.
      await b.drains.drain('q', 60_000);
      await a.look();
      await settle(nodes);
      a.store.release('writes');
      await allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([false, false]);
    });

    it('a new deadline is that of all, and one that was over before it was heard of too (B-ND-004)', async () => {
      await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
      const lease = a.registry.acquire('p', 'r');
      const ended = vi.fn(() => lease?.release());
      lease?.revoked$.subscribe(ended);
      await a.drains.drain('p', 60_000);
      await allLook();
      await b.drains.drain('p', 500);
      await passes(900);
      expect(ended).not.toHaveBeenCalled();
      await a.look();
      await passes(1);
      expect(ended).toHaveBeenCalledOnce();
    });

    it.each(['refused', 'lost'] as const)('an order whose write was %s is kept, and told to all', async fault => {
      a.store.failNext(fault);
      await a.drains.drain('p', 60_000);
      await allLook();
      await passes(1000);
      await allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([true, true]);
      a.store.failNext(fault);
      await a.drains.undrain('p');
      await allLook();
      expect(await drainingAt(a)).toBe(false);
      await passes(1000);
      await allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([false, false]);
    });

    it('those of the time between a node’s recovery and its first look are heard of there', async () => {
      const { store } = await opened.another();
      const late = new PoolsNode(store, 'late');
      nodes.push(late);
      await late.pools.recovered();
      await a.drains.drain('p', 60_000);
      await late.look();
      await late.start();
      await settle(nodes);
      expect(await drainingAt(late)).toBe(true);
    });
  });

  describe('replicas', () => {
    it('one that is registered otherwise at another node is bound so at all (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await b.bindings.bind(worker({ url: 'http://two', slotsTotal: 3 }));
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toMatchObject({ url: 'http://two', slotsDeclared: 3 });
      await a.bindings.bind(worker({ url: 'http://two', apiKeyFile: 'key' }));
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toMatchObject({ apiKeyFile: 'key' });
    });

    it('one that is registered again where it is not heard yet that it was unbound is bound (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await allLook();
      await b.bindings.unbind('p', 'r', { reason: 'operator' });
      expect(await a.bindings.bind(worker())).toBe('renewed');
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toBeDefined();
    });

    it('one that is unbound while it is registered elsewhere with an address that is not taken is gone there too (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await allLook();
      await b.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
      b.store.hold('writes', 'sending');
      void b.bindings.bind(worker({ poolId: 'q', url: 'http://two' }));
      await settle(nodes);
      // Behind that one.
      const registered = b.bindings.bind(worker({ url: 'http://three' }));
      await settle(nodes);
      await a.bindings.unbind('p', 'r', { reason: 'operator' });
      await b.look();
      await settle(nodes);
      b.store.release('writes');
      expect(await registered).toBe('kept');
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one whose write was refused is kept, and its removal is', async () => {
      a.store.failNext('refused');
      await a.bindings.bind(worker());
      await allLook();
      await passes(1000);
      await allLook();
      expect(await replicaAt(b)).toBeDefined();
      a.store.failNext('refused');
      await a.bindings.unbind('p', 'r', { reason: 'operator' });
      await allLook();
      await passes(1000);
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one that a handoff file names stays that file’s where a worker registers it at another node (B-ND-011)', async () => {
      a.put('p.json', file);
      await a.handoffs.scan();
      await allLook();
      await b.bindings.bind(worker({ ttlMs: 1000 }));
      await b.handoffs.scan();
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toMatchObject({ source: 'handoff', leaving: false });
      await passes(2000);
      for (const node of nodes) expect(await replicaAt(node)).toBeDefined();
      a.take('p.json');
      await a.handoffs.scan();
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toBeUndefined();
    });

    it('a handoff file that goes after its node was started anew takes its replica with it (B-ND-011)', async () => {
      a.put('p.json', file);
      await a.handoffs.scan();
      await allLook();
      await a.stop();
      const again = await started(await opened.another(), 'a-again');
      again.put('p.json', file);
      await again.handoffs.scan();
      again.take('p.json');
      await again.handoffs.scan();
      await allLook();
      for (const node of [again, b]) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one that cannot be bound at a node keeps no other from it', async () => {
      const place = b.registry.place.bind(b.registry);
      vi.spyOn(b.registry, 'place').mockImplementation(async binding => {
        if (binding.poolId === 'p') throw new Error('no such engine here');
        return place(binding);
      });
      for (const poolId of ['o', 'p', 'q']) await a.bindings.bind(worker({ poolId, url: `http://${poolId}` }));
      await allLook();
      expect((await b.registry.pools()).map(({ poolId }) => poolId)).toEqual(['o', 'q']);
    });

    it('one that the configuration of a node names is not unbound there by what others unbind', async () => {
      await a.bindings.bind(worker({ source: 'config' }));
      await b.bindings.bind(worker());
      await allLook();
      await b.bindings.unbind('p', 'r', { reason: 'operator' });
      await allLook();
      expect(await replicaAt(a)).toMatchObject({ source: 'config', leaving: false });
    });

    it('what another server has, under the same version, is found with the next connection', async () => {
      await a.bindings.bind(worker());
      await allLook();
      // As after a failover that has lost that, and to which another change was told before these nodes came to it.
      await opened.store.call('DEL', `${opened.store.prefix}:bindings`);
      for (const node of nodes) node.store.reconnected();
      await allLook();
      for (const node of nodes) expect(await replicaAt(node)).toBeUndefined();
    });
  });

  describe('reloads and purges', () => {
    beforeEach(async () => {
      await a.bindings.bind(worker());
      await allLook();
    });

    it('a reload is not opened by the end of another’s, which is heard of only then (B-ND-009)', async () => {
      const first = b.reloads.reload('p', 'm');
      await settle(nodes);
      await a.look();
      b.finishWorks();
      await first;
      const second = a.reloads.reload('p', 'n');
      await allLook();
      for (const node of nodes) expect(await node.registry.pool('p')).toMatchObject({ reloading: true });
      a.finishWorks();
      await second;
      await allLook();
      for (const node of nodes) expect(await node.registry.pool('p')).toMatchObject({ reloading: false });
    });

    it('a reload that lapsed, for its node or the store was away, keeps work off the pool again (B-ND-009)', async () => {
      const { store } = opened;
      const first = a.reloads.reload('p', 'm');
      await allLook();
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
      await allLook();
      for (const node of nodes) expect((await node.registry.pool('p'))?.reloading).toBe(false);
    });

    it('a purge by force that lapsed does not end what others have begun since (B-ND-009)', async () => {
      const { store } = opened;
      await b.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
      await a.purges.purge('p', { ...purge, drainFirst: false, force: true });
      await allHear();
      await store.call('DEL', `${store.prefix}:works`);
      await store.call('INCR', `${store.prefix}:pv`);
      await b.look();
      const ended = vi.fn();
      b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
      await allLook();
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
      await settle(nodes);
      a.finishWorks();
      await settle(nodes);
      expect(begun).not.toHaveBeenCalled();
      a.registry.slotsTaken('p', 'r', 0);
      await settle(nodes);
      a.finishWorks();
      await reload;
    });

    it('a purge that drains first lets others have the whole of its time, from when they hear of it (B-ND-009)', async () => {
      const ended = vi.fn();
      for (const node of nodes) await node.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
      b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
      a.registry.slotsTaken('p', 'r', 1);
      b.store.hold('looks', 'sending');
      await a.purges.purge('p', purge);
      await passes(5000);
      b.store.release('looks');
      await allHear();
      await passes(59_999);
      expect(ended).not.toHaveBeenCalled();
      await passes(1);
      expect(ended).toHaveBeenCalledOnce();
      await passes(500);
      a.registry.slotsTaken('p', 'r', 0);
      await settle(nodes);
      a.finishWorks();
      await settle(nodes);
      expect((await a.registry.pool('p'))?.lastPurge).toMatchObject({ steps_not_done: 0 });
    });

    describe('a purge by force', () => {
      const byForce = { ...purge, drainFirst: false, force: true };
      const ended = vi.fn();

      beforeEach(async () => {
        for (const node of nodes) await node.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
        ended.mockReset();
        b.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
        await a.purges.purge('p', byForce);
        await settle(nodes);
      });

      /** What it has come to, where that is known. */
      const report = async () => (await a.registry.pool('p'))?.lastPurge;
      const goesOn = async (): Promise<void> => {
        await a.look();
        await settle(nodes);
        a.finishWorks();
        await settle(nodes);
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
        await settle(nodes);
        b.store.release('looks');
        await settle(nodes);
        await goesOn();
        // Its next look has that it is over.
        await b.look();
        await settle(nodes);
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
        await settle(nodes);
        await passes(20_000);
        a.finishWorks();
        await settle(nodes);
        expect((await a.registry.pool('q'))?.lastPurge).toMatchObject({ steps: [{ done: false }, { done: true }] });
        b.store.release('looks');
      });

      it('tells of a node that does not say that it heard of it (B-ND-009)', async () => {
        b.store.hold('looks', 'sending');
        await passes(20_000);
        await goesOn();
        const reason = 'Other nodes have not said that they heard of it.';
        expect(await report()).toMatchObject({ steps_not_done: 1, steps: [{ done: false, reason }] });
        b.store.release('looks');
      });
    });

    it('what a node does itself is not taken for another’s where it has ended while a look was under way (B-ND-009)', async () => {
      await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
      await a.purges.purge('p', { ...purge, drainFirst: false, force: true });
      await allHear();
      a.store.hold('looks', 'replies');
      void a.look();
      await settle(nodes);
      // What it has found changed is read, and not heard yet.
      a.store.release('looks');
      a.store.hold('looks', 'replies');
      await settle(nodes);
      a.finishWorks();
      await settle(nodes);
      const ended = vi.fn();
      a.registry.acquire('p', 'r')?.revoked$.subscribe(ended);
      a.store.release('looks');
      await passes(1);
      expect(ended).not.toHaveBeenCalled();
    });

    it('a reload waits for what another node had begun there just before (B-ND-009)', async () => {
      await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 2 });
      a.beat = async () => a.registry.slotsTaken('p', 'r', 1);
      const over = vi.fn();
      const reload = a.reloads.reload('p', 'm').then(over);
      await settle(nodes);
      a.finishWorks();
      await settle(nodes);
      expect(over).not.toHaveBeenCalled();
      a.registry.slotsTaken('p', 'r', 0);
      await settle(nodes);
      a.finishWorks();
      await reload;
    });

    it('what a purge came to is told by a node that starts after it, and of a pool that was bound anew (B-ND-009)', async () => {
      await a.purges.purge('p', purge);
      await allHear();
      a.finishWorks();
      await allLook();
      await b.bindings.unbind('p', 'r', { reason: 'operator' });
      await allLook();
      await b.bindings.bind(worker());
      const late = await started(await opened.another(), 'late');
      await allLook();
      const { lastPurge } = (await late.registry.pool('p')) ?? {};
      expect(lastPurge).toMatchObject({ steps_not_done: 0 });
      for (const node of [a, b]) expect((await node.registry.pool('p'))?.lastPurge).toEqual(lastPurge);
    });

    it('what a purge came to is kept where the store is away as it ends, and no older report told instead (B-ND-009)', async () => {
      const isPurged = async (order: object): Promise<void> => {
        await a.purges.purge('p', { ...purge, ...order });
        await allHear();
        a.finishWorks();
        await allLook();
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
      await allLook();
      const twoSteps = { steps_total: 2 };
      expect([await reportAt(a), await reportAt(b)]).toMatchObject([twoSteps, { steps_total: 1 }]);
      away.mockRestore();
      await passes(1000);
      await allLook();
      expect([await reportAt(a), await reportAt(b)]).toMatchObject([twoSteps, twoSteps]);
    });
  });
});
