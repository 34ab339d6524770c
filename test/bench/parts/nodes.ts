import { hasRedisServer, startRedis, type RedisServer } from '../../support/redis-server';
import { admissionCosts, admissionsByNodes, CLIENTS } from '../nodes/admissions';
import { positionsByDepth } from '../nodes/positions';
import { taskCosts } from '../nodes/tasks';
import type { Bench, Part, PartReport } from '../part';

const GOAL = 2;
const SETTINGS = { ORCHD_FALLBACK: 'wait', ORCHD_ADMISSION_CAPACITY: '1000000' };

/** What a node costs over the embedded service, and what it asks of its store. */
export const nodes: Part = {
  name: 'nodes',
  title: 'Nodes: the cost of a store that is shared',
  async run(bench) {
    if (!hasRedisServer()) return { method: ['There is no redis-server here.'], tables: [], goals: [] };
    const redis = await startRedis();
    try {
      return await measured(bench, redis);
    } finally {
      await redis.stop();
    }
  },
};

async function measured(bench: Bench, redis: RedisServer): Promise<PartReport> {
  const store = { ...SETTINGS, ORCHD_STORE: redis.url, ORCHD_STORE_DURABILITY: 'memory' };
  const [admissions, ofAdmission] = await admissionCosts(bench, redis, SETTINGS, store);
  const fleets = await admissionsByNodes(bench, redis, store);
  const [tasks, ofToken] = await taskCosts(bench, redis, SETTINGS, store);
  const positions = await positionsByDepth(bench, redis, store);
  return {
    method: [
      `Over Debian's redis-server on the same machine, without an AOF (\`ORCHD_STORE_DURABILITY=memory\`): what is measured is work, not a disk. ` +
        `Admissions by ${CLIENTS} clients with no engine bound, in turns with the embedded service; CPU of the answering process and of the store.`,
      'Tasks from a stand-in engine in turns too: CPU of the node that runs them for a token, admission and ending included, and of the node that ' +
        'their streams are read at where that is another. Scripts, bytes and CPU of the store are less what the nodes ask of it while nothing is to be done.',
      'Positions: a queue that is filled with copies of one task, then admissions, looks at tasks and streams one after the other.',
    ],
    tables: [admissions, fleets, tasks, positions],
    goals: [
      { what: 'CPU of an admission over the embedded service', got: ofAdmission, atMost: GOAL, unit: '×' },
      { what: 'CPU of a token over the embedded service', got: ofToken, atMost: GOAL, unit: '×' },
    ],
  };
}
