import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PoolsNode } from '../../../test/support/pools-node';
import { describePoolsOfNodes, worker } from '../../../test/support/pools-nodes';

const file = { poolId: 'p', replicaId: 'r', engine: 'llamacpp', url: 'http://one' };
const purge = { purgeEngine: false, purgeModels: [], drainFirst: true, deleteCacheDirs: false, force: false };

describePoolsOfNodes('what nodes make of each other’s bindings and drains', nodes => {
  let a: PoolsNode;
  let b: PoolsNode;
  beforeEach(() => {
    ({ a, b } = nodes);
  });

  const replicaAt = (node: PoolsNode) => node.registry.replica('p', 'r');
  const drainingAt = async (node: PoolsNode) => (await node.registry.pool('p'))?.draining;

  describe('drains', () => {
    beforeEach(async () => {
      await a.bindings.bind(worker());
      await nodes.allLook();
    });

    it('one that another node was told of meanwhile outlives the purge that drained for itself (B-ND-004)', async () => {
      await a.purges.purge('p', purge);
      await nodes.settle();
      await b.drains.drain('p', 60_000);
      await nodes.allHear();
      a.finishWorks();
      await nodes.allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([true, true]);
    });

    it('one that is taken back while a look has it yet stays so (B-ND-004)', async () => {
      await a.bindings.bind(worker({ poolId: 'q', url: 'http://two' }));
      await a.drains.drain('p', 60_000);
      await nodes.allLook();
      a.store.hold('writes', 'sending');
      void a.drains.drain('q', 60_000);
      await nodes.settle();
      // Behind that one.
      void a.drains.undrain('p');
      await nodes.settle();
      // So that there is something to look at.
      await b.drains.drain('q', 60_000);
      await a.look();
      await nodes.settle();
      a.store.release('writes');
      await nodes.allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([false, false]);
    });

    it('a new deadline is that of all, and one that was over before it was heard of too (B-ND-004)', async () => {
      await a.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
      const lease = a.registry.acquire('p', 'r');
      const ended = vi.fn(() => lease?.release());
      lease?.revoked$.subscribe(ended);
      await a.drains.drain('p', 60_000);
      await nodes.allLook();
      await b.drains.drain('p', 500);
      await nodes.passes(900);
      expect(ended).not.toHaveBeenCalled();
      await a.look();
      await nodes.passes(1);
      expect(ended).toHaveBeenCalledOnce();
    });

    it.each(['refused', 'lost'] as const)('an order whose write was %s is kept, and told to all', async fault => {
      a.store.failNext(fault);
      await a.drains.drain('p', 60_000);
      await nodes.allLook();
      await nodes.passes(1000);
      await nodes.allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([true, true]);
      a.store.failNext(fault);
      await a.drains.undrain('p');
      await nodes.allLook();
      expect(await drainingAt(a)).toBe(false);
      await nodes.passes(1000);
      await nodes.allLook();
      expect([await drainingAt(a), await drainingAt(b)]).toEqual([false, false]);
    });

    it('those of the time between a node’s recovery and its first look are heard of there', async () => {
      const { store } = await nodes.opened.another();
      const late = new PoolsNode(store, 'late');
      nodes.all.push(late);
      await late.pools.recovered();
      await a.drains.drain('p', 60_000);
      await late.look();
      await late.start();
      await nodes.settle();
      expect(await drainingAt(late)).toBe(true);
    });
  });

  describe('replicas', () => {
    it('one that is registered otherwise at another node is bound so at all (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await b.bindings.bind(worker({ url: 'http://two', slotsTotal: 3 }));
      await nodes.allLook();
      for (const node of nodes.all)
        expect(await replicaAt(node)).toMatchObject({ url: 'http://two', slotsDeclared: 3 });
      await a.bindings.bind(worker({ url: 'http://two', apiKeyFile: 'key' }));
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toMatchObject({ apiKeyFile: 'key' });
    });

    it('one that is registered again where it is not heard yet that it was unbound is bound (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await nodes.allLook();
      await b.bindings.unbind('p', 'r', { reason: 'operator' });
      expect(await a.bindings.bind(worker())).toBe('renewed');
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toBeDefined();
    });

    it('one that is unbound while it is registered elsewhere with an address that is not taken is gone there too (B-ND-004)', async () => {
      await a.bindings.bind(worker());
      await nodes.allLook();
      await b.registry.observe('p', 'r', { state: 'ready', slotsTotal: 1 });
      b.store.hold('writes', 'sending');
      void b.bindings.bind(worker({ poolId: 'q', url: 'http://two' }));
      await nodes.settle();
      // Behind that one.
      const registered = b.bindings.bind(worker({ url: 'http://three' }));
      await nodes.settle();
      await a.bindings.unbind('p', 'r', { reason: 'operator' });
      await b.look();
      await nodes.settle();
      b.store.release('writes');
      expect(await registered).toBe('kept');
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one whose write was refused is kept, and its removal is', async () => {
      a.store.failNext('refused');
      await a.bindings.bind(worker());
      await nodes.allLook();
      await nodes.passes(1000);
      await nodes.allLook();
      expect(await replicaAt(b)).toBeDefined();
      a.store.failNext('refused');
      await a.bindings.unbind('p', 'r', { reason: 'operator' });
      await nodes.allLook();
      await nodes.passes(1000);
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one that a handoff file names stays that file’s where a worker registers it at another node (B-ND-011)', async () => {
      a.put('p.json', file);
      await a.handoffs.scan();
      await nodes.allLook();
      await b.bindings.bind(worker({ ttlMs: 1000 }));
      await b.handoffs.scan();
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toMatchObject({ source: 'handoff', leaving: false });
      await nodes.passes(2000);
      for (const node of nodes.all) expect(await replicaAt(node)).toBeDefined();
      a.take('p.json');
      await a.handoffs.scan();
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toBeUndefined();
    });

    it('a handoff file that goes after its node was started anew takes its replica with it (B-ND-011)', async () => {
      a.put('p.json', file);
      await a.handoffs.scan();
      await nodes.allLook();
      await a.stop();
      const again = await nodes.started(await nodes.opened.another(), 'a-again');
      again.put('p.json', file);
      await again.handoffs.scan();
      again.take('p.json');
      await again.handoffs.scan();
      await nodes.allLook();
      for (const node of [again, b]) expect(await replicaAt(node)).toBeUndefined();
    });

    it('one that cannot be bound at a node keeps no other from it', async () => {
      const place = b.registry.place.bind(b.registry);
      vi.spyOn(b.registry, 'place').mockImplementation(async binding => {
        if (binding.poolId === 'p') throw new Error('no such engine here');
        return place(binding);
      });
      for (const poolId of ['o', 'p', 'q']) await a.bindings.bind(worker({ poolId, url: `http://${poolId}` }));
      await nodes.allLook();
      expect((await b.registry.pools()).map(({ poolId }) => poolId)).toEqual(['o', 'q']);
    });

    it('one that the configuration of a node names is not unbound there by what others unbind', async () => {
      await a.bindings.bind(worker({ source: 'config' }));
      await b.bindings.bind(worker());
      await nodes.allLook();
      await b.bindings.unbind('p', 'r', { reason: 'operator' });
      await nodes.allLook();
      expect(await replicaAt(a)).toMatchObject({ source: 'config', leaving: false });
    });

    it('what another server has, under the same version, is found with the next connection', async () => {
      await a.bindings.bind(worker());
      await nodes.allLook();
      // As after a failover that has lost that, and to which another change was told before these nodes came to it.
      await nodes.opened.store.call('DEL', `${nodes.opened.store.prefix}:bindings`);
      for (const node of nodes.all) node.store.reconnected();
      await nodes.allLook();
      for (const node of nodes.all) expect(await replicaAt(node)).toBeUndefined();
    });
  });
});
