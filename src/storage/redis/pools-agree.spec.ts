import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { PoolsNode, settle } from '../../../test/support/pools-node';
import type { Lease, ReplicaStatus } from '../../pools/registry/pool';

/** `AGREE_RUNS=5000` for the long form, `AGREE_SEED` to draw the same again. */
const RUNS = Number(process.env['AGREE_RUNS'] ?? 150);
const SEED = process.env['AGREE_SEED'];
/** What could not be kept was tried again by then. */
const RETRIED_MS = 1100;

const step = fc.record({
  what: fc.constantFrom(
    ...(['drain', 'drain', 'undrain', 'undrain', 'register', 'register', 'register', 'delete', 'delete'] as const),
    ...(['file', 'noFile', 'scan', 'scan', 'alive', 'alive', 'dead', 'purge', 'reload', 'finish', 'time'] as const),
    ...(['run', 'run', 'runsEnd', 'anew'] as const),
    ...(['look', 'look', 'look', 'hold', 'hold', 'release', 'fail', 'join', 'leave'] as const),
  ),
  node: fc.nat({ max: 2 }),
  pool: fc.constantFrom('p', 'q'),
  replica: fc.constantFrom('r0', 'r1'),
  url: fc.constantFrom('http://one', 'http://two', 'http://three'),
  slots: fc.constantFrom(undefined, 1, 2),
  key: fc.constantFrom(undefined, undefined, 'k1', 'k2'),
  ttlMs: fc.constantFrom(undefined, 5000, 60_000),
  lane: fc.constantFrom('looks', 'writes'),
  held: fc.constantFrom('sending', 'replies'),
  fault: fc.constantFrom('refused', 'lost'),
  ms: fc.constantFrom(100, 2500, 6000),
});
/** What was ordered and not refused. */
interface Standing {
  readonly drains: Set<string>;
  /** `url slots`, by replica. */
  readonly bound: Map<string, string>;
}

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

describeOverStore('pools of several nodes', server => {
  const connections: OpenStore[] = [];
  let nodes: (PoolsNode | undefined)[] = [];
  let count = 0;

  beforeEach(async () => {
    connections.splice(0);
    connections.push(await openStore(server()));
    const first = connections[0] as OpenStore;
    for (let more = 0; more < 2; more++) connections.push(await first.another());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(async () => {
    for (const node of running()) await node.stop();
    nodes = [];
    vi.useRealTimers();
  });

  const runs: Lease[] = [];
  const endRuns = (): void => runs.splice(0).forEach(lease => lease.release());
  const running = (): PoolsNode[] => nodes.filter(node => node !== undefined);

  async function begin(): Promise<void> {
    for (const node of running()) await node.stop();
    await connections[0]?.store.call('FLUSHALL');
    nodes = [];
    for (let at = 0; at < 3; at++) await join(at);
  }

  async function join(at: number): Promise<void> {
    const { store } = connections[at] as OpenStore;
    const node = new PoolsNode(store, `node-${count++}`);
    nodes[at] = node;
    await node.start();
  }

  async function take(each: Step): Promise<void> {
    const { what, pool, replica, url, slots, key, ttlMs } = each;
    const node = nodes[each.node];
    if (what === 'join') return node ? undefined : join(each.node);
    if (!node) return;
    const facts = {
      ...{ poolId: pool, replicaId: replica, url },
      ...(slots !== undefined && { slotsTotal: slots }),
      ...(key !== undefined && { apiKeyFile: key }),
    };
    // Nobody waits for an answer: it may be held.
    const ask = (asked: Promise<unknown>): void => void asked.catch(() => undefined);
    switch (what) {
      case 'drain':
        return ask(node.drains.drain(pool, 60_000));
      case 'undrain':
        return ask(node.drains.undrain(pool));
      case 'register':
        return ask(
          node.bindings.bind({ ...facts, engine: 'llamacpp', source: 'worker', ...(ttlMs !== undefined && { ttlMs }) }),
        );
      case 'delete':
        return ask(node.bindings.unbind(pool, replica, { reason: 'operator' }));
      case 'file':
        return node.put(`${pool}-${replica}.json`, { ...facts, engine: 'llamacpp' });
      case 'noFile':
        return node.take(`${pool}-${replica}.json`);
      case 'scan':
        return ask(node.handoffs.scan());
      case 'alive':
        return node.registry.observe(pool, replica, { state: 'ready', slotsTotal: 2 });
      case 'dead':
        for (let times = 0; times < 2; times++) await node.registry.observe(pool, replica, { state: 'unreachable' });
        return;
      case 'purge':
        return ask(
          node.purges.purge(pool, {
            ...{ purgeEngine: false, purgeModels: [], drainFirst: true, deleteCacheDirs: false, force: false },
          }),
        );
      case 'reload':
        return ask(node.reloads.reload(pool, 'm'));
      case 'finish':
        return node.finishWorks();
      case 'run': {
        const lease = node.registry.acquire(pool, replica);
        lease?.revoked$.subscribe(() => lease.release());
        if (lease) runs.push(lease);
        return;
      }
      case 'runsEnd':
        return endRuns();
      case 'anew':
        return node.store.reconnected();
      case 'time':
        await vi.advanceTimersByTimeAsync(each.ms);
        return;
      case 'look':
        return ask(node.look());
      case 'hold':
        return node.store.hold(each.lane, each.held);
      case 'release':
        return node.store.release(each.lane);
      case 'fail':
        return node.store.failNext(each.fault);
      case 'leave':
        if (running().length === 1) return;
        nodes[each.node] = undefined;
        node.store.release('looks');
        node.store.release('writes');
        await settle([node]);
        return node.stop();
    }
  }

  /** Nothing is held or fails any more, and each has looked. */
  async function quiet(): Promise<void> {
    for (const node of running()) {
      node.store.failNext(undefined);
      for (const lane of ['looks', 'writes'] as const) node.store.release(lane);
    }
    endRuns();
    for (let times = 0; times < 3; times++) {
      // What is begun goes on once the others have heard of it, and that is known.
      await allLook();
      for (const node of running()) node.finishWorks();
      await settle(running());
    }
    await vi.advanceTimersByTimeAsync(RETRIED_MS);
    await settle(running());
    await allLook();
  }

  async function allLook(): Promise<void> {
    for (let times = 0; times < 2; times++) {
      await Promise.all(running().map(node => node.look()));
      await settle(running());
    }
  }

  /** One order, to its end; what it came to is what stands. */
  async function obey(each: Step, stands: Standing): Promise<void> {
    const { what, pool, replica, url, slots } = each;
    const node = nodes[each.node] as PoolsNode;
    const name = `${pool}/${replica}`;
    // Who is refused is told so: nothing is changed.
    const done = async (order: Promise<unknown>): Promise<unknown> => {
      const outcome = await order.catch(() => false);
      await settle([node]);
      return outcome;
    };
    const facts = { poolId: pool, replicaId: replica, url, ...(slots !== undefined && { slotsTotal: slots }) };
    if (what === 'drain' && (await done(node.drains.drain(pool, 60_000))) !== false) stands.drains.add(pool);
    if (what === 'undrain' && (await done(node.drains.undrain(pool))) !== false) stands.drains.delete(pool);
    if (what === 'register') {
      const outcome = await done(node.bindings.bind({ ...facts, engine: 'llamacpp', source: 'worker' }));
      if (outcome !== false && outcome !== 'kept') stands.bound.set(name, `${url} ${slots}`);
    }
    if (what === 'delete' && (await done(node.bindings.unbind(pool, replica, { reason: 'operator' }))) === true)
      stands.bound.delete(name);
    if (what === 'look') await node.look();
  }

  it('have what was ordered last, at whichever node, though none has heard of the other yet', async () => {
    const orders = step.filter(({ what }) => ['drain', 'undrain', 'register', 'delete', 'look'].includes(what));
    await fc.assert(
      fc.asyncProperty(fc.array(orders, { maxLength: 30 }), async steps => {
        await begin();
        const stands: Standing = { drains: new Set(), bound: new Map() };
        for (const each of steps) await obey(each, stands);
        await quiet();
        for (const node of running()) {
          expect(draining(node)).toEqual([...stands.drains].sort());
          expect(bound(node, withFacts)).toEqual([...stands.bound].map(([name, facts]) => `${name} ${facts}`).sort());
        }
      }),
      { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
    );
  }, 600_000);

  async function kept(kind: 'bindings' | 'drains'): Promise<readonly string[]> {
    const { store } = connections[0] as OpenStore;
    return ((await store.call('HKEYS', `${store.prefix}:${kind}`)) as string[]).sort();
  }

  it('agree in the end, whatever is done where, and in whatever order they hear of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        await begin();
        for (const each of steps) {
          await take(each);
          await settle(running());
        }
        await quiet();
        const [first, ...others] = running();
        for (const other of others) expect(other.told()).toEqual(first?.told());
        expect(draining(first)).toEqual(await kept('drains'));
        expect(bound(first)).toEqual(await kept('bindings'));
      }),
      { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
    );
  }, 600_000);
});

function draining(node: PoolsNode | undefined): readonly string[] {
  return (node?.registry.view() ?? []).filter(pool => pool.draining).map(({ poolId }) => poolId);
}

function bound(node: PoolsNode | undefined, also: (replica: ReplicaStatus) => string = () => ''): readonly string[] {
  const replicas = (node?.registry.view() ?? []).flatMap(pool => pool.replicas);
  return replicas.map(replica => `${replica.poolId}/${replica.replicaId}${also(replica)}`).sort();
}

function withFacts({ url, slotsDeclared }: ReplicaStatus): string {
  return ` ${url} ${slotsDeclared}`;
}
