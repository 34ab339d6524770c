import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../crash/random';
import { startEngine, type RunningEngine } from '../engine/engine';
import { PoolOrders } from '../nodes/pool-orders';
import { LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { TwoNodes } from '../support/two-nodes';

const ROUNDS = 3;
const BURSTS = 8;

/** The short form of `npm run test:node-pools`. */
describe.skipIf(!hasRedisServer())(
  'two nodes that are told everything at once',
  { timeout: 5 * LAST_RESORT_MS },
  () => {
    const seed = Date.now() % 1_000_000;
    let engine: RunningEngine;
    let nodes: TwoNodes;
    let orders: PoolOrders;
    beforeAll(async () => {
      engine = await startEngine({ slots: 4, tokensPerSecond: 1000 });
      nodes = await TwoNodes.start({ ORCHD_HANDOFF_WATCH_INTERVAL_MS: '100', ORCHD_LLAMACPP_URL: engine.url });
      await nodes.ready('default');
      orders = new PoolOrders(() => [nodes.a, nodes.b], new Random(seed));
      await orders.start();
    });
    afterAll(async () => {
      await nodes.stop();
      await orders.stop();
      await engine.stop();
    });

    it('tell the same of pools, models and sessions then, and serve (B-ND-004, B-ND-025)', async () => {
      for (let round = 0; round < ROUNDS; round++)
        expect(await orders.round(BURSTS), `round ${round}, seed ${seed}`).toEqual([]);
    });
  },
);
