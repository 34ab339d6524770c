import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { modelEntry } from '../../../test/contracts/model-catalog.contract';
import { HeldStore } from '../../../test/support/held-store';
import { settle } from '../../../test/support/pools-node';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import type { ModelState } from '../../catalog/model-catalog.port';
import { RedisCatalog } from './redis-catalog';

/** As `AGREE_RUNS` of the pools. */
const RUNS = Number(process.env['AGREE_RUNS'] ?? 400);
const SEED = process.env['AGREE_SEED'];

/** A node's catalogue, and what it has told of its entries. */
interface Node {
  readonly store: HeldStore;
  readonly catalog: RedisCatalog;
  readonly told: Map<string, ModelState>;
}

const step = fc.record({
  what: fc.constantFrom(
    ...(['create', 'create', 'state', 'state', 'state', 'delete', 'look', 'look', 'hold', 'hold', 'release'] as const),
    ...(['state', 'look', 'hold', 'fail', 'anew'] as const),
  ),
  node: fc.nat({ max: 1 }),
  id: fc.constantFrom('m', 'm', 'm', 'n'),
  state: fc.constantFrom('Active', 'Retired'),
  lane: fc.constantFrom('looks', 'writes', 'writes'),
  held: fc.constantFrom('sending', 'replies', 'replies'),
  fault: fc.constantFrom('refused', 'lost'),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

describeOverStore('the catalogue of two nodes', server => {
  const connections: OpenStore[] = [];
  let nodes: Node[] = [];

  beforeEach(async () => {
    const first = await openStore(server());
    connections.splice(0, 2, first, await first.another());
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await begin();
  });
  afterEach(() => {
    end();
    vi.useRealTimers();
  });

  function end(): void {
    for (const { catalog } of nodes.splice(0)) catalog.onModuleDestroy();
  }

  async function begin(): Promise<void> {
    end();
    await connections[0]?.store.call('FLUSHALL');
    nodes = connections.map(({ store: connection }) => {
      const store = new HeldStore(connection);
      const catalog = new RedisCatalog(store);
      const told = new Map<string, ModelState>();
      catalog.changes$.subscribe(({ id, entry }) => void (entry ? told.set(id, entry.state) : told.delete(id)));
      catalog.onModuleInit();
      return { store, catalog, told };
    });
  }

  const look = async ({ catalog }: Node): Promise<void> => (catalog as unknown as { look(): Promise<void> }).look();
  const setState = ({ catalog }: Node, id: string, state: ModelState): Promise<unknown> =>
    catalog.update(id, entry => ({ ...entry, state }));

  async function quiet(): Promise<void> {
    for (const { store } of nodes) {
      store.failNext(undefined);
      for (const lane of ['looks', 'writes'] as const) store.release(lane);
    }
    await settle(nodes);
    for (let times = 0; times < 2; times++) {
      await Promise.all(nodes.map(look));
      await settle(nodes);
    }
  }

  async function take({ what, node: at, id, state, lane, held, fault }: Step): Promise<void> {
    const node = nodes[at] as Node;
    const ask = (asked: Promise<unknown>): void => void asked.catch(() => undefined);
    switch (what) {
      case 'create':
        return ask(node.catalog.create(modelEntry(id, { state })));
      case 'state':
        return ask(
          node.catalog.update(id, each => ({ ...each, state: each.state === 'Active' ? 'Retired' : 'Active' })),
        );
      case 'delete':
        return ask(node.catalog.delete(id));
      case 'look':
        return ask(look(node));
      case 'hold':
        return node.store.hold(lane, held);
      case 'release':
        return node.store.release(lane);
      case 'fail':
        return node.store.failNext(fault);
      case 'anew':
        return node.store.reconnected();
    }
  }

  async function kept(): Promise<Map<string, ModelState>> {
    const entries = await (nodes[0] as Node).catalog.list(undefined, 10);
    return new Map(entries.map(({ id, state }) => [id, state]));
  }

  const sorted = (states: ReadonlyMap<string, ModelState>): unknown => [...states].sort();

  it('is told alike in the end, whatever is changed where (B-ND-025)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        await begin();
        for (const each of steps) {
          await take(each);
          await settle(nodes);
        }
        await quiet();
        const stands = sorted(await kept());
        for (const { told } of nodes) expect(sorted(told)).toEqual(stands);
      }),
      { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
    );
  }, 600_000);

  describe('each change', () => {
    it('is not put in the place of a later one, of which a look has told first (B-ND-025)', async () => {
      const [a, b] = nodes as [Node, Node];
      await a.catalog.create(modelEntry('m'));
      a.store.hold('writes', 'replies');
      const retired = setState(a, 'm', 'Retired');
      await settle(nodes);
      await setState(b, 'm', 'Active');
      await look(a);
      a.store.release('writes');
      await retired;
      await look(a);
      expect([a.told.get('m'), b.told.get('m')]).toEqual(['Active', 'Active']);
    });

    it('that another server has under the same version is found with the next connection', async () => {
      const [a, b] = nodes as [Node, Node];
      await a.catalog.create(modelEntry('m'));
      for (const node of nodes) await look(node);
      const { store } = connections[0] as OpenStore;
      // As after a failover that has lost that, and to which another change was told before these nodes came to it.
      await store.call('DEL', `${store.prefix}:models`, `${store.prefix}:modelIds`);
      for (const { store: each } of nodes) each.reconnected();
      await settle(nodes);
      expect([a.told.size, b.told.size]).toEqual([0, 0]);
    });
  });
});
