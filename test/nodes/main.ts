import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import { eventually } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { faults, onStore } from './faults';
import { Fleet } from './fleet';
import { NodesClient, pause } from './nodes-client';

/**
 * Three nodes over one store, tasks for any of them, readers at any other; every now and then one is killed, stopped, cut off, or all of them
 * lose their connections. In the end what clients were told is held against what there is.
 *
 * Usage: npm run test:nodes -- [--minutes 2] [--every 10] [--rate 20] [--seed 1] [--only "kill -9"] [--verbose]
 *   [--beside <dist/main.js of another build>]: one of the three runs that, as during an upgrade
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    every: { type: 'string', default: '20' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    beside: { type: 'string' },
  },
});

const SLOTS = 6;

async function main(): Promise<void> {
  const random = new Random(Number(values.seed));
  const chosen = faults.filter(({ name }) => values.only === undefined || name === values.only);
  const fleet = await Fleet.start({ nodes: 3, slots: SLOTS, tokensPerSecond: 300, otherProgram: values.beside });
  const client = new NodesClient(fleet, random);
  const untilMs = performance.now() + Number(values.minutes) * 60_000;
  const struck: { readonly name: string; readonly atMs: number }[] = [];
  let isOver = false;
  try {
    const submitting = (async () => {
      for (let number = 0; !isOver; number++) {
        void client.submit(`task-${number}`);
        await pause(1000 / Number(values.rate));
      }
    })();
    for (let number = 0; performance.now() < untilMs; number++) {
      await pause((Number(values.every) * 1000) / 2);
      const fault = chosen[number % chosen.length];
      const node = random.pick(fleet.nodes);
      if (!fault) break;
      const atMs = performance.now();
      struck.push({ name: fault.name, atMs });
      if (values.verbose) process.stdout.write(`${fault.name} of ${node.name}, ${client.tasks.size} tasks\n`);
      await fault.strike(fleet, node, random);
      await pause((Number(values.every) * 1000) / 2);
    }
    isOver = true;
    await submitting;
    await client.offerAll();
    await eventually(
      async () => Number((await onStore<number>(fleet, ['SCARD', '{orchestratord}:live'])) ?? 1),
      live => live === 0,
      90_000,
    ).catch(() => dump(fleet));
    await Promise.race([client.readersDone(), pause(60_000)]);
    client.stop();
    process.exitCode = (await report(fleet, client, struck)) ? 0 : 1;
  } finally {
    client.stop();
    await fleet.stop();
  }
}

async function report(
  fleet: Fleet,
  client: NodesClient,
  struck: readonly { readonly name: string; readonly atMs: number }[],
): Promise<boolean> {
  const spent = await client.judgeAll();
  const tasks = [...client.tasks.values()];
  const wrong = tasks.filter(({ faults: found }) => found.length > 0);
  const twice = client.ranTwice();
  const off: string[] = [];
  for (const session of client.sessions()) {
    const view = await client.anywhere(`/v2/sessions/${session}`);
    const used = 100_000_000 - Number(view['tokens_budget_remaining']);
    if (used !== (spent.get(session) ?? 0)) off.push(`${session}: ${used} of ${spent.get(session) ?? 0}`);
  }
  const slots = await eventually(
    async () => (await onStore<string[]>(fleet, ['KEYS', '{orchestratord}:slot:*'])).length,
    taken => taken === 0,
    30_000,
  ).catch(() => -1);
  const restarted = tasks.filter(({ errorCode }) => errorCode === 'ORCHESTRATOR_RESTARTED');
  const adoptMs = restarted
    .flatMap(({ endSeenMs = 0 }) => {
      const before = struck.filter(({ atMs }) => atMs < endSeenMs).at(-1);
      return before ? [endSeenMs - before.atMs] : [];
    })
    .sort((a, b) => a - b);
  const at = (share: number): string => ((adoptMs[Math.floor(share * (adoptMs.length - 1))] ?? 0) / 1000).toFixed(1);
  const byCode = new Map<string, number>();
  for (const { errorCode = 'completed' } of tasks) byCode.set(errorCode, (byCode.get(errorCode) ?? 0) + 1);
  for (const { id, faults: found } of wrong.slice(0, 20))
    process.stdout.write(`${id}: ${found.slice(0, 3).join('; ').slice(0, 500)}\n`);
  const lines = [
    `${struck.length} faults: ${[...new Set(struck.map(({ name }) => name))].join(', ')}`,
    `${tasks.length} tasks, ${tasks.filter(({ acknowledged }) => acknowledged).length} acknowledged; ${[...byCode].map(([code, count]) => `${count} ${code}`).join(', ')}`,
    `streams opened ${tasks.reduce((sum, { readings }) => sum + readings, 0)}`,
    `tasks with something wrong: ${wrong.length}`,
    `run again after output was seen: ${twice.length} ${twice.slice(0, 5).join(' ')}`,
    `budgets that are off: ${off.length} ${off.join('; ')}`,
    `slots still taken: ${slots}`,
    `from a fault to the end of what its node ran, as readers saw it: p50 ${at(0.5)} s, p99 ${at(0.99)} s (${adoptMs.length} tasks)`,
    `seed ${values.seed}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return wrong.length === 0 && twice.length === 0 && off.length === 0 && slots === 0;
}

/** Of tasks that do not end: how the store has them. */
async function dump(fleet: Fleet): Promise<void> {
  for (const id of await onStore<string[]>(fleet, ['SRANDMEMBER', '{orchestratord}:live', '5'])) {
    const fields = await onStore<string[]>(fleet, ['HGETALL', `{orchestratord}:t:${id}`]);
    const lease = await onStore<string>(fleet, ['ZSCORE', '{orchestratord}:leases', id]);
    process.stdout.write(`still live: ${id}, lease ${lease}, ${fields.join(' ').slice(0, 3000)}\n`);
  }
}

if (hasRedisServer()) {
  main().catch((fault: unknown) => {
    console.error(fault);
    process.exitCode = 1;
  });
}
