import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import { hasRedisServer } from '../support/redis-server';
import type { RunningService } from '../support/service';
import type { SseEvent } from '../support/sse-stream';
import { isTerminal, TaskClient, wireOf } from '../support/task-client';
import { Fleet } from './fleet';

/**
 * Streams that are cut at a random event and read on at another node, held against an uncut reading at a third; cancels at one node of what
 * another runs; and endings that race with them.
 *
 * Usage: npm run test:node-streams -- [--cuts 200] [--cancels 200] [--races 1000] [--seed 1]
 */
const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '200' },
    cancels: { type: 'string', default: '200' },
    races: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const AT_ONCE = 8;
const LONG = { max_tokens: 100_000, deadline_ms: 600_000 };

async function main(): Promise<void> {
  const random = new Random(Number(values.seed));
  const fleet = await Fleet.start({ nodes: 3, slots: 16, tokensPerSecond: 200 });
  try {
    const services = fleet.nodes.flatMap(({ service }) => service ?? []);
    const clients = services.map(service => new TaskClient(service)) as [TaskClient, TaskClient, TaskClient];
    await clients[0].slotsFree(16);
    const different = await inParallel(Number(values.cuts), () => cutAndResume(clients, random));
    process.stdout.write(
      `${values.cuts} streams cut at a random event and read on at another node: ${different} differ\n`,
    );
    const cancelMs: number[] = [];
    await inParallel(Number(values.cancels), () => cancelElsewhere(services, clients, cancelMs));
    cancelMs.sort((a, b) => a - b);
    const at = (share: number): string => (cancelMs[Math.floor(share * (cancelMs.length - 1))] ?? NaN).toFixed(0);
    process.stdout.write(
      `${values.cancels} cancels at a node of what another runs: answered after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
    );
    await fleet.engine.until(({ active }) => active === 0);
    const doubled = await inParallel(Number(values.races), () => raceEnds(services, clients, random));
    process.stdout.write(
      `${values.races} cancels that race with the end, at two nodes: ${doubled} with other than one ending\n`,
    );
    process.stdout.write(`seed ${values.seed}\n`);
    process.exitCode = different + doubled === 0 ? 0 : 1;
  } finally {
    await fleet.stop();
  }
}

/** Resolves to how many of the rounds were not as they should be. */
async function inParallel(rounds: number, round: () => Promise<boolean>): Promise<number> {
  let [left, wrong] = [rounds, 0];
  const work = async (): Promise<void> => {
    while (left-- > 0) if (!(await round())) wrong++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return wrong;
}

/** True where what both readers had together is the whole stream, byte for byte. */
async function cutAndResume(clients: readonly [TaskClient, TaskClient, TaskClient], random: Random): Promise<boolean> {
  const [a, b, c] = clients;
  const taskId = await a.submit({ max_tokens: 10 + random.below(60) });
  const uncut = a.read(taskId);
  const cutAt = 1 + random.below(20);
  const first = await b.read(taskId, { until: (_, events) => events.length >= cutAt });
  const kept = first.events.slice(0, cutAt);
  const lastEventId = kept.at(-1)?.id;
  const rest = kept.some(isTerminal)
    ? []
    : (await c.read(taskId, lastEventId === undefined ? {} : { lastEventId })).events;
  return same([...kept, ...rest], (await uncut).events);
}

function same(one: readonly SseEvent[], other: readonly SseEvent[]): boolean {
  return wireOf(one).join('\n') === wireOf(other).join('\n');
}

async function cancelElsewhere(
  services: readonly RunningService[],
  [a]: readonly [TaskClient, ...TaskClient[]],
  cancelMs: number[],
): Promise<boolean> {
  const taskId = await a.submit(LONG);
  await a.read(taskId, { until: ({ type }) => type === 'token' });
  // Which node runs it nobody says: of two that are asked, one does not at least.
  const other = services[1 + (cancelMs.length % 2)];
  const startMs = performance.now();
  const answer = await other?.request('POST', `/v2/tasks/${taskId}/cancel`);
  cancelMs.push(performance.now() - startMs);
  return answer?.status === 204;
}

/** True where there is one ending, and it is what the record says. */
async function raceEnds(
  services: readonly RunningService[],
  [a, b]: readonly [TaskClient, TaskClient, ...TaskClient[]],
  random: Random,
): Promise<boolean> {
  const taskId = await a.submit({ max_tokens: 1 + random.below(6) });
  const reading = b.read(taskId);
  await new Promise(resolve => setTimeout(resolve, random.below(60)));
  await Promise.all([1, 2].map(async at => services[at]?.request('POST', `/v2/tasks/${taskId}/cancel`)));
  const { events } = await reading;
  const endings = events.filter(isTerminal);
  const { state } = await a.view(taskId);
  const told = endings[0]?.type === 'end' ? 'completed' : 'cancelled';
  return endings.length === 1 && events.at(-1) === endings[0] && state === told;
}

if (hasRedisServer()) {
  main().catch((fault: unknown) => {
    console.error(fault);
    process.exitCode = 1;
  });
}
