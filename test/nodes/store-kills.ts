import { createClient } from '@redis/client';
import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import { eventually } from '../support/deadline';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { temporaryFolder } from '../support/temporary-folder';
import { Fleet } from './fleet';
import { pause } from './nodes-client';

/**
 * Kills the store at random moments, under submissions, and starts it again on its disk; or lets a replica take its place. In the end each task that
 * was acknowledged is looked for.
 *
 * Usage: npm run test:store-kills -- [--rounds 30] [--fsync always|everysec] [--failover] [--durability disk|replica|memory] [--seed 1]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    fsync: { type: 'string', default: 'always' },
    failover: { type: 'boolean', default: false },
    durability: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const SUBMITTERS = 8;
const LONGEST_MS = 1200;

async function main(): Promise<void> {
  const random = new Random(Number(values.seed));
  const fsync = values.fsync === 'everysec' ? 'everysec' : 'always';
  const durability = values.durability ?? (values.failover ? 'replica' : fsync === 'always' ? 'disk' : 'memory');
  const folder = temporaryFolder();
  const fleet = await Fleet.start({
    nodes: 2,
    slots: 1,
    tokensPerSecond: 100,
    redis: { fsync, folder },
    // What is asked of a store is asked at each connect: the replica has to be there by then.
    env: { ORCHD_STORE_DURABILITY: values.failover ? 'memory' : durability },
  });
  let replica: RedisServer | undefined;
  const acknowledged = new Set<string>();
  const lost = new Set<string>();
  try {
    if (values.failover) {
      replica = await replicaOf(fleet.redis);
      for (const node of fleet.nodes) {
        await node.service?.stop('SIGTERM');
        await startWith(fleet, node, durability);
      }
    }
    for (let round = 1; round <= Number(values.rounds); round++) {
      let isOver = false;
      const submitting = Array.from({ length: SUBMITTERS }, async (_, submitter) => {
        for (let number = 0; !isOver; number++) {
          const body = {
            task_id: `r${round}-${submitter}-${number}`,
            prompt: 'Go.',
            max_tokens: 1,
            deadline_ms: 3_600_000,
          };
          const { service } = random.pick(fleet.nodes);
          const answer = await service?.request('POST', '/v2/tasks', { body, deadlineMs: 5000 }).catch(() => undefined);
          if (answer?.status === 202) acknowledged.add(body.task_id);
        }
      });
      await pause(300 + random.below(LONGEST_MS));
      await fleet.redis.stop('SIGKILL');
      isOver = true;
      if (replica) replica = await takeOver(fleet, replica);
      else fleet.redis = await startRedis({ port: fleet.redis.port, fsync, folder });
      await Promise.all(submitting);
      await Promise.all(fleet.nodes.map((_, at) => isBack(fleet, at, `back-${round}-${at}`)));
    }
    for (const id of acknowledged) {
      const answer = await fleet.nodes[0]?.service?.request('GET', `/v2/tasks/${id}`);
      if (answer?.status === 404) lost.add(id);
    }
    const how = values.failover
      ? 'the store failed over to its replica'
      : `the store was killed (appendfsync ${fsync})`;
    process.stdout.write(
      `${values.rounds} rounds, ${how}, ORCHD_STORE_DURABILITY=${durability}: ` +
        `${acknowledged.size} acknowledged, ${lost.size} lost; seed ${values.seed}\n`,
    );
    process.exitCode = lost.size > 0 && durability !== 'memory' ? 1 : 0;
  } finally {
    await replica?.stop();
    await fleet.stop();
    folder.remove();
  }
}

async function startWith(fleet: Fleet, node: Fleet['nodes'][number], durability: string): Promise<void> {
  Object.assign(fleet.options.env ?? {}, { ORCHD_STORE_DURABILITY: durability });
  await fleet.startNode(node);
}

async function replicaOf({ port }: RedisServer): Promise<RedisServer> {
  const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', String(port)] });
  await eventually(
    () => command<string>(replica, ['INFO', 'replication']),
    text => text.includes('master_link_status:up'),
  );
  return replica;
}

/** The replica is the store now, and gets a replica of its own. */
async function takeOver(fleet: Fleet, replica: RedisServer): Promise<RedisServer> {
  await command(replica, ['REPLICAOF', 'NO', 'ONE']);
  fleet.redis = replica;
  const next = await replicaOf(replica);
  for (const { proxy } of fleet.nodes) proxy.to(replica.port);
  return next;
}

async function command<T>({ url }: RedisServer, words: readonly string[]): Promise<T> {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand<T>(words);
  } finally {
    client.destroy();
  }
}

async function isBack(fleet: Fleet, at: number, taskId: string): Promise<void> {
  const body = { task_id: taskId, prompt: 'Go.', max_tokens: 1, deadline_ms: 3_600_000 };
  await eventually(
    async () =>
      fleet.nodes[at]?.service?.request('POST', '/v2/tasks', { body, deadlineMs: 5000 }).catch(() => undefined),
    answer => answer?.status === 202,
  );
}

if (hasRedisServer()) {
  main().catch((fault: unknown) => {
    console.error(fault);
    process.exitCode = 1;
  });
}
