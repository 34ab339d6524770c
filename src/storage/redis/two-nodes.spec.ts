import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  cancelled,
  completed,
  failure,
  submissionOf,
  type LedgerSettings,
  type LedgerUnderTest,
} from '../../../test/contracts/task-ledger/ledger-use';
import { redisLedger, type NodeUnderTest } from '../../../test/support/redis-ledger';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { hasRedisServer, startRedis, type RedisServer } from '../../../test/support/redis-server';
import type { Admitted, Ended } from '../../tasks/ledger/task-ledger.port';

const ROUNDS = 50;
const LEASE_MS = 10_000;

describe.skipIf(!hasRedisServer())('TaskLedger: two nodes on one store', () => {
  let server: RedisServer;
  let a: NodeUnderTest;
  let b: NodeUnderTest;
  const open: NodeUnderTest[] = [];

  const start = async (settings: LedgerSettings = {}): Promise<void> => {
    const first = await redisLedger(server, settings);
    const second = await first.another();
    [a, b] = [first, second];
    for (const node of [a, b]) {
      open.push(node);
      await node.ledger.adopt();
      await node.bind('p/r', 2);
    }
  };

  const admit = async (node: LedgerUnderTest, taskId: string): Promise<Admitted> => {
    const outcome = await node.ledger.admit(submissionOf(taskId, { sessionId: 's', ownSession: false }));
    if (outcome.kind !== 'admitted') throw new Error(`${taskId} was not admitted: ${outcome.kind}`);
    return outcome;
  };

  const conclude = async (ended: Ended): Promise<void> => {
    await ended.record(undefined);
    ended.concluded();
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(() => start());
  afterEach(async () => {
    for (const node of open.splice(0)) await node.close();
  });
  afterAll(() => server.stop());

  it('admits a submission once, at whichever nodes it comes at once', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const outcomes = await Promise.all([a, b].map(async ({ ledger }) => ledger.admit(submissionOf(`t${round}`))));
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['admitted', 'known']);
      const [one, other] = outcomes.map(outcome => ('facts' in outcome ? outcome.facts : undefined));
      expect(one).toEqual(other);
      for (const { ledger } of [a, b]) {
        const outcome = await ledger.cancel(`t${round}`, cancelled);
        if (outcome && 'ending' in outcome) await conclude(outcome);
      }
      await a.advance(1);
    }
  });

  it('never gives a slot twice, nor loses one', async () => {
    for (let number = 0; number < 12; number++) await admit(number % 2 === 0 ? a : b, `t${number}`);
    const running = new Map<string, LedgerUnderTest>();
    for (let round = 0; round < ROUNDS; round++) {
      const claims = await Promise.all([a, b, a, b].map(async node => [node, await node.ledger.claim()] as const));
      for (const [node, claim] of claims) if (claim) running.set(claim.spec.taskId, node);
      const held = [a, b].map(({ ledger }) => [...ledger.running()].length);
      expect(held.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2);
      for (const node of [a, b]) {
        for (const { spec } of [...node.ledger.running()]) {
          const ended = await node.ledger.cancel(spec.taskId, cancelled);
          if (ended && 'ending' in ended) await conclude(ended);
        }
      }
    }
    expect([...(await a.ledger.live())]).toEqual([]);
  });

  it('gives no slot of a pool that another node reloads, before its own node has heard of that (B-ND-009)', async () => {
    await a.reload('p');
    expect((await admit(b, 't')).claim).toBeUndefined();
    expect(await b.ledger.claim()).toBeUndefined();
    await b.bind('q/r', 1);
    expect(await b.ledger.claim()).toMatchObject({ placement: { poolId: 'q' } });
    await admit(b, 'u');
    // It says no more that it is at it.
    await b.advance(2 * LEASE_MS);
    expect(await b.ledger.claim()).toMatchObject({ placement: { poolId: 'p' } });
  });

  it('never passes a budget, nor its capacity, however many submit at once', async () => {
    for (const settings of [{ tokensBudget: 50 }, { capacity: 5 }]) {
      for (const node of open.splice(0)) await node.close();
      await start(settings);
      for (const node of [a, b]) await node.lose('p/r');
      const submissions = Array.from({ length: 16 }, async (_, at) =>
        (at % 2 === 0 ? a : b).ledger.admit(submissionOf(`t${at}`, { sessionId: 's', ownSession: false })),
      );
      const kinds = (await Promise.all(submissions)).map(({ kind }) => kind);
      expect(kinds.filter(kind => kind === 'admitted')).toHaveLength(5);
    }
  });

  it('lets one of an end and a cancel at another node win', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { claim } = await admit(a, `t${round}`);
      if (!claim) throw new Error('no claim');
      await a.ledger.markFirstToken(claim);
      const asked = a.ledger.asked$.subscribe(({ taskId, draft }) => {
        void Promise.resolve(a.ledger.cancel(taskId, draft)).then(async ended => {
          if (ended && 'ending' in ended) await conclude(ended);
        });
      });
      const [own, other] = await Promise.all([a.ledger.end(claim, completed), b.ledger.cancel(`t${round}`, cancelled)]);
      if (own) await conclude(own);
      await a.advance(300);
      if (other && 'over' in other) {
        let isOver = false;
        void other.over.then(() => (isOver = true));
        await expect
          .poll(
            async () => {
              await a.advance(200);
              return isOver;
            },
            { timeout: LAST_RESORT_MS },
          )
          .toBe(true);
      }
      asked.unsubscribe();
      expect(await b.ledger.find(`t${round}`)).toBeUndefined();
    }
    const { turns, liveTasks } = await a.session('s');
    expect([turns <= ROUNDS, liveTasks]).toEqual([true, 0]);
  });

  it('gives no slot that an engine is still busy with for an attempt that another node broke off', async () => {
    for (const node of [a, b]) await node.tell('p/r', 1, 0);
    const { claim } = await admit(a, 'broken off');
    if (!claim) throw new Error('no claim');
    claim.lease.atWork = true;
    await a.tell('p/r', 1, 1);
    await admit(b, 'waits');
    const ended = await a.ledger.cancel('broken off', cancelled);
    if (ended && 'ending' in ended) await conclude(ended);
    await b.advance(1);
    expect(await b.ledger.claim()).toBeUndefined();
    await a.advance(300);
    await a.tell('p/r', 1, 0);
    await expect
      .poll(async () => (await b.advance(300), (await b.ledger.claim())?.spec.taskId), { timeout: LAST_RESORT_MS })
      .toBe('waits');
  });

  it('refuses all that a node writes whose lease has lapsed, and takes its tasks over', async () => {
    const { claim: shown } = await admit(a, 'shown');
    const { claim: silent } = await admit(a, 'silent');
    if (!shown || !silent) throw new Error('no claim');
    await a.ledger.markFirstToken(shown);
    const interrupted: string[] = [];
    b.ledger.interrupted$.subscribe(({ spec }) => interrupted.push(spec.taskId));
    a.freeze();
    await b.advance(LEASE_MS + 1000);
    await b.advance(300);
    expect(interrupted).toEqual(['shown']);
    expect((await b.ledger.claim())?.spec.taskId).toBe('silent');
    // By its own clock it knows already; whatever it had sent would be refused as well.
    expect([shown.isHeld, silent.isHeld]).toEqual([false, false]);
    expect(await a.ledger.end(shown, completed)).toBeUndefined();
    expect(await a.ledger.markFirstToken(silent)).toBe(false);
    const how = { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 0, counts: true };
    expect(await a.ledger.requeue(silent, how)).toBe(false);
    await a.advance(1);
    expect([...a.ledger.running()]).toEqual([]);
  });

  it('tells of a task what its session was charged, where its node went between the win of its ending and its record', async () => {
    const { claim } = await admit(a, 't');
    if (!claim) throw new Error('no claim');
    await a.ledger.markFirstToken(claim);
    await a.ledger.end(claim, completed);
    a.freeze();
    await b.advance(LEASE_MS + 1000);
    const ended = await b.ledger.cancel('t', cancelled);
    if (!ended || !('ending' in ended)) throw new Error('it was not taken over');
    await conclude(ended);
    const { spent } = await b.session('s');
    expect([ended.ending.state, ended.ending.usage.tokensOut]).toEqual(['cancelled', spent.tokens]);
    expect(spent.tokens).toBeGreaterThan(0);
  });
});
