import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import { BatchClient, chatLine, ended, type BatchSeen, type ResultLine } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { hasRedisServer, startRedis } from '../support/redis-server';
import type { RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';
import { Fleet, type Node } from './fleet';

/**
 * Batches over three nodes, of which all the time one is killed, stopped for a while, cut off from the store or told to end, or the store stands
 * still; every fourth batch is cancelled at some node. In the end each line is to be in one of the files once, and all nodes are to tell the same.
 *
 * With --fsync the store is killed too, and started again on its disk, which with `everysec` has not all that was acknowledged.
 *
 * Usage: npm run test:node-batches -- [--batches 10] [--lines 300] [--fsync always|everysec] [--seed 1]
 */
const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '10' },
    lines: { type: 'string', default: '300' },
    fsync: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const LINES = Number(values.lines);
const SLOTS = 12;
/** Longer than a lease, or not. */
const PAUSES_MS = [500, 2500, 5000, 8000];
const BETWEEN_MS = 1500;
const ENDS_MS = 180_000;

type Fault = 'kill' | 'stop' | 'cut' | 'end' | 'store' | 'lose';
const fsync = values.fsync === 'always' || values.fsync === 'everysec' ? values.fsync : undefined;
const faults: readonly Fault[] = ['kill', 'stop', 'cut', 'end', 'store', ...(fsync ? (['lose', 'lose'] as const) : [])];

class Rounds {
  private readonly counts = new Map<Fault, number>();
  private adopted = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly random: Random,
    private readonly model: string,
  ) {}

  get told(): string {
    const each = [...this.counts].map(([fault, count]) => `${fault} ${count}`).join(', ');
    const adopted = this.fleet.nodes.reduce((sum, { service }) => sum + adoptionsOf(service), this.adopted);
    return `faults: ${each}; batches that went on at another node: ${adopted}`;
  }

  /** What is wrong with it in the end. */
  async run(at: number): Promise<readonly string[]> {
    const lines = Array.from({ length: LINES }, (_, line) =>
      chatLine(`line-${line + 1}`, { model: this.model, max_tokens: 1 + (line % 24) }),
    );
    const { id } = await this.some().begin(lines);
    const isCancelled = at % 4 === 3;
    let isOver = false;
    const over = eventually(() => this.seen(id), isEnded, ENDS_MS).finally(() => (isOver = true));
    over.catch(() => undefined);
    for (let count = 0; !isOver; count++) {
      await pause(this.random.below(BETWEEN_MS));
      if (isCancelled && count === 2) await this.cancel(id);
      if (!isOver) await this.fault();
    }
    await over;
    return this.judge(id, isCancelled);
  }

  private some(): BatchClient {
    return this.clients[this.random.below(this.clients.length)] as BatchClient;
  }

  private get clients(): readonly BatchClient[] {
    return this.fleet.nodes.flatMap(({ service }) => (service ? new BatchClient(service.url) : []));
  }

  /** At whichever node can tell. */
  private seen(id: string): Promise<BatchSeen | undefined> {
    return this.some()
      .get(id)
      .catch(() => undefined);
  }

  private async cancel(id: string): Promise<void> {
    await eventually(
      () =>
        this.some()
          .cancel(id)
          .catch(() => undefined),
      answer => answer !== undefined,
    );
  }

  private async fault(): Promise<void> {
    const fault = this.random.pick(faults);
    const node = this.random.pick(this.fleet.nodes);
    const ms = this.random.pick(PAUSES_MS);
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    const act: Readonly<Record<Fault, () => Promise<void>>> = {
      kill: () => this.restart(node, 'SIGKILL'),
      end: () => this.restart(node, 'SIGTERM'),
      stop: async () => {
        node.service?.signal('SIGSTOP');
        await pause(ms);
        node.service?.signal('SIGCONT');
      },
      cut: async () => {
        node.proxy.cut();
        await pause(ms);
        node.proxy.mend();
      },
      store: async () => {
        this.fleet.redis.signal('SIGSTOP');
        await pause(ms);
        this.fleet.redis.signal('SIGCONT');
      },
      lose: async () => {
        const { redis } = this.fleet;
        await redis.stop('SIGKILL');
        this.fleet.redis = await startRedis({ port: redis.port, folder: redis.folder, ...(fsync && { fsync }) });
      },
    };
    await act[fault]();
  }

  private async restart(node: Node, signal: NodeJS.Signals): Promise<void> {
    const { service } = node;
    node.service = undefined;
    this.adopted += adoptionsOf(service);
    await service?.stop(signal);
    await this.fleet.startNode(node);
  }

  private async judge(id: string, isCancelled: boolean): Promise<readonly string[]> {
    // All are back before files are read: a node is without its store for a while after it was.
    const views = await Promise.all(
      this.clients.map(client => eventually(() => client.get(id).catch(() => undefined), isEnded)),
    );
    const [batch] = views as [BatchSeen];
    const files = [await this.some().results(batch.output_file_id), await this.some().results(batch.error_file_id)];
    const [output, errors] = files as [(typeof files)[0], (typeof files)[0]];
    const names = [...output, ...errors].map(({ custom_id: name }) => name);
    const { completed, failed, total } = batch.request_counts;
    const tokens = output.reduce((sum, { response }) => sum + tokensOf(response?.body), 0);
    const wrong = (is: boolean, what: string): string[] => (is ? [`${id}: ${what}`] : []);
    return [
      ...wrong(new Set(views.map(view => JSON.stringify(view))).size !== 1, 'nodes tell of it differently'),
      ...wrong(names.length !== LINES, `${names.length} lines in its files`),
      ...wrong(new Set(names).size !== names.length, 'lines that are there twice'),
      ...wrong(total !== LINES || completed !== output.length || failed !== errors.length, 'counts are wrong'),
      ...wrong(batch.usage.output_tokens !== tokens, `usage is ${batch.usage.output_tokens}, not ${tokens}`),
      ...wrong(!isCancelled && (batch.status !== 'completed' || failed > 0), `${batch.status}, ${why(errors)}`),
      ...wrong(isCancelled && !['cancelled', 'completed'].includes(batch.status), batch.status),
    ];
  }
}

function adoptionsOf(service: RunningService | undefined): number {
  return service?.logs().filter(({ event }) => event === 'batch_adopted').length ?? 0;
}

function why(errors: readonly ResultLine[]): string {
  return errors
    .map(({ custom_id: name, response, error }) => `${name}: ${JSON.stringify(response?.body ?? error)}`)
    .join('; ');
}

function tokensOf(body: Readonly<Record<string, unknown>> | undefined): number {
  return (body?.['usage'] as { completion_tokens: number } | undefined)?.completion_tokens ?? 0;
}

function isEnded(batch: BatchSeen | undefined): boolean {
  return batch !== undefined && ended.includes(batch.status);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function main(): Promise<void> {
  const folder = temporaryFolder();
  const durability = fsync === 'always' ? 'disk' : 'memory';
  const fleet = await Fleet.start({
    ...{ nodes: 3, slots: SLOTS, tokensPerSecond: 100, env: { ORCHD_STORE_DURABILITY: durability } },
    redis: { folder, ...(fsync && { fsync }) },
  });
  try {
    const models = await fleet.nodes[0]?.service?.request('GET', '/v1/models');
    const model = models?.json<{ data: readonly { id: string }[] }>().data[0]?.id ?? '';
    const rounds = new Rounds(fleet, new Random(Number(values.seed)), model);
    let wrong = 0;
    for (let at = 0; at < Number(values.batches); at++) {
      const found = await rounds.run(at);
      if (found.length > 0) wrong++;
      for (const what of found) process.stdout.write(`${what}\n`);
    }
    process.stdout.write(`${rounds.told}\n`);
    process.stdout.write(`${values.batches} batches of ${LINES} lines, seed ${values.seed}: ${wrong} wrong\n`);
    process.exitCode = wrong === 0 ? 0 : 1;
  } finally {
    await fleet.stop();
    folder.remove();
  }
}

if (hasRedisServer()) void main();
