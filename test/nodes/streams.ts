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
 * Usage: npm run test:node-streams -- [--cuts 200] [--cancels 200] [--cancels-at-once 1] [--races 1000] [--seed 1]
 */
const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '200' },
    cancels: { type: 'string', default: '200' },
    'cancels-at-once': { type: 'string', default: '1' },
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
    const atOnce = Number(values['cancels-at-once']);
    const cancels = new Cancels(fleet, services, clients[0]);
    const refused = await inParallel(Number(values.cancels), () => cancels.cancelElsewhere(), atOnce);
    process.stdout.write(
      `${values.cancels} cancels at a node of what another runs, ${atOnce} at once: ${refused} not answered with 204; ` +
        `answered after ${spread(cancels.answeredMs)}; gone from the engine after ${spread(cancels.goneMs)}\n`,
    );
    await fleet.engine.until(({ active }) => active === 0);
    const doubled = await inParallel(Number(values.races), () => raceEnds(services, clients, random));
    process.stdout.write(
      `${values.races} cancels that race with the end, at two nodes: ${doubled} with other than one ending\n`,
    );
    process.stdout.write(`seed ${values.seed}\n`);
    process.exitCode = different + refused + doubled === 0 ? 0 : 1;
  } finally {
    await fleet.stop();
  }
}

/** Resolves to how many of the rounds were not as they should be. */
async function inParallel(rounds: number, round: () => Promise<boolean>, atOnce = AT_ONCE): Promise<number> {
  let [left, wrong] = [rounds, 0];
  const work = async (): Promise<void> => {
    while (left-- > 0) if (!(await round())) wrong++;
  };
  await Promise.all(Array.from({ length: atOnce }, work));
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

/** Cancels of what another node runs: how long each took until it was answered, and until the engine had nothing of it any more. */
class Cancels {
  readonly answeredMs: number[] = [];
  readonly goneMs: number[] = [];
  private count = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly services: readonly RunningService[],
    private readonly client: TaskClient,
  ) {}

  async cancelElsewhere(): Promise<boolean> {
    const { engine } = this.fleet;
    const taskId = await this.client.submit(LONG);
    await this.client.read(taskId, { until: ({ type }) => type === 'token' });
    const aborted = engine.stats().aborted;
    // With slots free the node that admits a task runs it: the first one.
    const other = this.services[1 + (this.count++ % 2)] as RunningService;
    const startMs = performance.now();
    const gone = engine.until(stats => stats.aborted > aborted).then(() => performance.now() - startMs);
    const answer = await other.request('POST', `/v2/tasks/${taskId}/cancel`);
    this.answeredMs.push(performance.now() - startMs);
    this.goneMs.push(await gone);
    return answer.status === 204;
  }
}

function spread(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
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
