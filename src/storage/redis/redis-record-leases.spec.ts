import { firstValueFrom, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record } from '../../../test/contracts/api-records.contract';
import { recordLeasesContract } from '../../../test/contracts/record-leases.contract';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { MovableClock } from '../../../test/support/movable-clock';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { LeaseLost, type RecordLease } from '../../records/record-lease';
import { RedisApiRecords } from './redis-api-records';
import { RedisContents } from './redis-contents';
import { RedisRecordLeases } from './redis-record-leases';
import type { NodeBeat } from './node-beat';

class Node {
  readonly clock = new MovableClock();
  readonly records: RedisApiRecords;
  readonly contents: RedisContents;
  readonly leases: RedisRecordLeases;

  constructor(
    readonly nodeId: string,
    readonly opened: OpenStore,
  ) {
    const { config, store } = opened;
    const beat = { nodeId, leaseUntilMs: () => this.clock.nowMs() + 0.85 * config.storeLeaseMs };
    const lifecycle = new Lifecycle();
    lifecycle.ready();
    this.records = new RedisApiRecords(store);
    this.contents = new RedisContents(config, store);
    this.leases = new RedisRecordLeases(config, store, beat as NodeBeat, lifecycle, this.clock);
  }

  async taken(id: string): Promise<RecordLease> {
    const lease = await this.leases.take('batch', id);
    if (!lease) throw new Error('it is free');
    return lease;
  }

  /** As if so long had passed since it was renewed, by the store's time. */
  async lapse(id: string): Promise<void> {
    const { store } = this.opened;
    await store.call('ZADD', `${store.prefix}:rw:batch`, '1', id);
  }
}

const open = (id: string, text = '1') => record(id, { kind: 'batch', text });

describeOverStore('over a store', server => {
  const nodes: Node[] = [];
  afterEach(() => {
    for (const { leases } of nodes.splice(0)) leases.onModuleDestroy();
  });

  function node(name: string, opened: OpenStore): Node {
    const made = new Node(name, opened);
    nodes.push(made);
    return made;
  }

  recordLeasesContract('RedisRecordLeases', async () => node('a', await openStore(server())));

  describe('leases of two nodes', () => {
    let a: Node;
    let b: Node;
    beforeEach(async () => {
      const opened = await openStore(server());
      [a, b] = [node('a', opened), node('b', await opened.another())];
    });

    /** What is told while something is done. */
    async function told<T>(of: Observable<T>, act: () => Promise<void>): Promise<readonly T[]> {
      const heard: T[] = [];
      const listening = of.subscribe(each => heard.push(each));
      await act();
      listening.unsubscribe();
      return heard;
    }

    it('are held by one at a time, of many who take at once (B-ND-014)', async () => {
      const takers = Array.from({ length: 20 }, (_, at) => [a, b][at % 2] as Node);
      const taken = await Promise.all(takers.map(({ leases }) => leases.take('batch', 'x')));
      expect(taken.filter(each => each !== undefined)).toHaveLength(1);
      await a.lapse('x');
      const again = await Promise.all(takers.map(({ leases }) => leases.take('batch', 'x')));
      expect(again.filter(each => each !== undefined)).toHaveLength(1);
    });

    it('let nothing be written by one that another has since (B-ND-015)', async () => {
      const old = await a.taken('x');
      await a.records.insert(open('x'), old);
      await a.contents.append('file-x', 0, Buffer.from('line 1\n'), old);
      await a.lapse('x');
      // Nobody has it yet: what its node writes is in nobody's way.
      expect(await a.records.revise(open('x', '2'), '1', old)).toBe(true);
      const now = await b.taken('x');
      const writes = [
        () => a.records.revise(open('x', 'stranger'), '2', old),
        () => a.records.insert(record('file-x', { kind: 'file', text: 'stranger' }), old),
        () => a.contents.append('file-x', 7, Buffer.from('stranger'), old),
        () => a.contents.append('file-new', 0, Buffer.from('stranger'), old),
        () => a.contents.truncate('file-x', 0, old),
      ];
      for (const write of writes) await expect(write()).rejects.toBeInstanceOf(LeaseLost);
      await b.contents.append('file-x', 7, Buffer.from('line 2\n'), now);
      expect((await a.contents.read('file-x', 0, 99)).toString()).toBe('line 1\nline 2\n');
      expect([await a.records.find('file', 'file-x'), await a.contents.size('file-new')]).toEqual([
        undefined,
        undefined,
      ]);
      expect(await b.records.revise(open('x', '3'), '2', now)).toBe(true);
    });

    it('are void where the store has lost of what was written by them', async () => {
      const lease = await a.taken('x');
      await a.contents.append('file-x', 0, Buffer.from('line 1\nline 2\n'), lease);
      await a.contents.truncate('file-x', 7);
      const more = Buffer.from('line 3\n');
      await expect(a.contents.append('file-x', 14, more, lease)).rejects.toBeInstanceOf(LeaseLost);
      // One that was delivered late, and is there already.
      await expect(a.contents.append('file-x', 0, more, lease)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect(await a.contents.size('file-x')).toBe(7);
    });

    it('are other ones where the store has lost that they were given, and counts again', async () => {
      const { store } = a.opened;
      const old = await a.taken('x');
      for (const key of ['token', 'rt', 'rw:batch']) await store.call('DEL', `${store.prefix}:${key}`);
      const now = await b.taken('x');
      await expect(a.contents.append('file-x', 0, Buffer.from('a'), old)).rejects.toBeInstanceOf(LeaseLost);
      await b.contents.append('file-x', 0, Buffer.from('b'), now);
      expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([old]);
    });

    it('are told to be lost to who had them, and not by the end of the new ones', async () => {
      const old = await a.taken('x');
      await a.records.insert(open('x'), old);
      await a.lapse('x');
      const now = await b.taken('x');
      expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([old]);
      await a.leases.end(old);
      expect(await told(b.leases.lost$, () => b.leases.renew())).toEqual([]);
      expect(await told(a.leases.free$, () => a.leases.renew())).toEqual([]);
      await b.leases.end(now);
    });

    it('are lost by the clock of a node that cannot renew them', async () => {
      const lease = await a.taken('x');
      await a.opened.store.close();
      expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([]);
      a.clock.pass(a.opened.config.storeLeaseMs);
      expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([lease]);
    });

    it('are renewed on a store that has no memory left', async () => {
      const { store, config } = a.opened;
      await a.taken('x');
      a.clock.pass(config.storeLeaseMs);
      await store.call('CONFIG', 'SET', 'maxmemory', '1');
      try {
        expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([]);
      } finally {
        await store.call('CONFIG', 'SET', 'maxmemory', '0');
      }
    });

    it('are kept by one that was late, and that nobody has taken over', async () => {
      const lease = await a.taken('x');
      await a.records.insert(open('x'), lease);
      await a.lapse('x');
      expect(await told(a.leases.lost$, () => a.leases.renew())).toEqual([]);
      expect(await b.leases.take('batch', 'x')).toBeUndefined();
    });

    it('are free once they lapse, while their records are open; those that never had one, too', async () => {
      const [x, y] = [await a.taken('x'), await a.taken('y')];
      await a.records.insert(open('x'), x);
      await a.records.insert(record('y', { kind: 'batch', isOpen: false }), y);
      expect(await told(b.leases.free$, () => b.leases.renew())).toEqual([]);
      expect(b.leases.elsewhere('batch')).toBe(1);
      for (const id of ['x', 'y']) await a.lapse(id);
      expect(await told(b.leases.free$, () => b.leases.renew())).toEqual([['x']]);
      await b.taken('x');
      await a.records.insert(open('moved'));
      expect(await told(b.leases.free$, () => b.leases.renew())).toEqual([['moved']]);
    });

    it('are asked for, and their holder hears of it, whoever that is (B-ND-016)', async () => {
      const old = await a.taken('x');
      await a.records.insert(open('x'), old);
      expect(await told(a.leases.asked$, () => a.leases.renew())).toEqual([]);
      a.leases.onModuleInit();
      const asked = firstValueFrom(a.leases.asked$);
      await b.leases.ask('batch', 'x');
      expect(await asked).toEqual(old);
      a.leases.onModuleDestroy();
      await b.lapse('x');
      const now = await b.taken('x');
      expect(await told(b.leases.asked$, () => b.leases.renew())).toEqual([now]);
    });

    it('tell others how far they are, with each renewal', async () => {
      const lease = await a.taken('x');
      await a.records.insert(open('x'), lease);
      let lines = 1;
      a.leases.say(lease, () => `lines ${lines}`);
      const said = async (): Promise<string | undefined> => (await b.leases.said('batch', ['none', 'x'])).get('x');
      expect(await said()).toBeUndefined();
      await a.leases.renew();
      expect(await said()).toBe('lines 1');
      lines = 2;
      await a.leases.renew();
      expect(await said()).toBe('lines 2');
    });

    it('are given to the others at once by a node that goes', async () => {
      const lease = await a.taken('x');
      await a.records.insert(open('x'), lease);
      b.leases.onModuleInit();
      const free = firstValueFrom(b.leases.free$);
      await a.leases.leave();
      expect(await free).toEqual(['x']);
      expect(await b.leases.take('batch', 'x')).toBeDefined();
    });

    it('that are free are looked for by all nodes at once when one says so', async () => {
      await a.records.insert(open('x'));
      a.leases.onModuleInit();
      b.leases.onModuleInit();
      const found = Promise.all([a, b].map(({ leases }) => firstValueFrom(leases.free$)));
      // Until both are known to listen.
      await expect
        .poll(() => a.opened.store.call('PUBSUB', 'SHARDNUMSUB', `${a.opened.store.prefix}:records`), {
          timeout: LAST_RESORT_MS,
        })
        .toContain(2);
      await a.leases.rouse();
      expect(await found).toEqual([['x'], ['x']]);
    });

    it('count the nodes that have some', async () => {
      const lease = await a.taken('x');
      await b.taken('y');
      for (const { leases } of [a, b, a]) await leases.renew();
      expect([a.leases.holders('batch'), b.leases.holders('batch')]).toEqual([2, 2]);
      await a.leases.end(lease);
      await a.leases.renew();
      await b.leases.renew();
      expect(b.leases.holders('batch')).toBe(1);
    });
  });
});
