import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import { hasRedisServer } from '../support/redis-server';
import { Fleet } from './fleet';
import { pause } from './nodes-client';
import { PoolOrders } from './pool-orders';

/**
 * Three nodes over one store, and orders about their pools, replicas, models and sessions at any of them: at once, and back to back. After
 * each round all have to tell the same, and to serve. In every other one a node is killed and started again, or cut off from the store for a while.
 *
 * Usage: npm run test:node-pools -- [--rounds 50] [--bursts 12] [--seed 1] [--calm]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    bursts: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    calm: { type: 'boolean', default: false },
  },
});

async function befall(fleet: Fleet, random: Random): Promise<string> {
  const node = random.pick(fleet.nodes);
  await pause(random.below(200));
  if (random.next() < 0.5) {
    const { service } = node;
    node.service = undefined;
    await service?.stop('SIGKILL');
    await fleet.startNode(node);
    return `{${node.name} was killed}`;
  }
  node.proxy.cut();
  await pause(random.below(1500));
  node.proxy.mend();
  return `{${node.name} was cut off}`;
}

async function main(): Promise<void> {
  const env = { AUTH_TOKEN: 'worker-token', ORCHD_HANDOFF_WATCH_INTERVAL_MS: '100' };
  const fleet = await Fleet.start({ nodes: 3, slots: 4, tokensPerSecond: 1000, env });
  const services = (): NonNullable<(typeof fleet.nodes)[number]['service']>[] =>
    fleet.nodes.flatMap(({ service }) => service ?? []);
  const random = new Random(Number(values.seed));
  const orders = new PoolOrders(services, random);
  let wrong = 0;
  try {
    await orders.start();
    for (let round = 0; round < Number(values.rounds); round++) {
      const isCalm = values.calm || round % 2 === 0;
      const faults = await orders.round(Number(values.bursts), isCalm ? undefined : () => befall(fleet, random));
      if (faults.length > 0) wrong++;
      for (const fault of faults) process.stdout.write(`round ${round}: ${fault}\n`);
    }
    process.stdout.write(`${values.rounds} rounds, ${wrong} wrong; seed ${values.seed}\n`);
    process.exitCode = wrong === 0 ? 0 : 1;
  } finally {
    await orders.stop();
    await fleet.stop();
  }
}

if (hasRedisServer()) {
  main().catch((fault: unknown) => {
    console.error(fault);
    process.exitCode = 1;
  });
}
