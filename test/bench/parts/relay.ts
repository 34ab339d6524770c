import { TaskClient } from '../../support/task-client';
import { startEngine, startMeasuredService, startProgram } from '../measured-process';
import { verdictOf, type Part, type PartResult, type Size } from '../part';
import { engineStream, relay, taskStream, type RelayLoad } from '../relay-load';
import { cpuPerUnit, ROUNDS } from '../rounds';
import { median, quantile } from '../statistics';

interface RelayPart {
  readonly title: string;
  readonly what: string;
  readonly tokenMs: number;
  readonly load: Readonly<Record<Size, RelayLoad>>;
  readonly goal: number;
}

const SLOTS = 256;

async function measure({ title, what, tokenMs, load, goal }: RelayPart, size: Size): Promise<PartResult> {
  const engine = await startEngine(SLOTS, tokenMs);
  const pipe = await startProgram('floor-relay.ts', engine.url, 'pipe');
  const reframe = await startProgram('floor-relay.ts', engine.url, 'reframe');
  const service = await startMeasuredService({ ORCHD_LLAMACPP_URL: engine.url, ORCHD_ADMISSION_CAPACITY: '10000' });
  try {
    await new TaskClient(service).slotsFree(SLOTS);
    const amount = load[size];
    const firstMs: Record<string, number[]> = {};
    const contender = (
      name: string,
      target: { readonly url: string; readonly pid: number },
      run: typeof engineStream,
    ) => ({
      name,
      pid: target.pid,
      work: async () => {
        const { firstTokenMs } = await relay(target, run, amount);
        // What is left is that of the last round.
        firstMs[name] = [...firstTokenMs];
        return amount.tasks * amount.tokens;
      },
    });
    const figures = await cpuPerUnit(
      [
        contender('byte pipe', pipe, engineStream),
        contender('parse and re-frame', reframe, engineStream),
        contender('orchestratord', service, taskStream(service.apiKey)),
      ],
      ROUNDS[size],
      size === 'full' ? 2 : 1,
    );
    const floor = median(figures.get('byte pipe') ?? []);
    const rows = [...figures].map(([name, each]) => {
      const first = firstMs[name] ?? [];
      const ratio = median(each) / floor;
      return [
        name,
        median(each).toFixed(1),
        ratio.toFixed(2),
        quantile(first, 0.5).toFixed(1),
        quantile(first, 0.99).toFixed(1),
      ];
    });
    const ratio = median(figures.get('orchestratord') ?? []) / floor;
    return {
      title,
      what,
      columns: ['', 'CPU µs a token', 'ratio', 'first token p50, ms', 'p99, ms'],
      rows,
      verdict: verdictOf('CPU a token', ratio, goal),
    };
  } finally {
    await service.stop();
    for (const program of [pipe, reframe, engine]) await program.stop();
  }
}

const paced: RelayPart = {
  title: 'Paced relay',
  what:
    '200 streams of 300 tokens, one every 20 ms, the whole way from `POST /v2/tasks` to the stored transcript, against the ' +
    "engine's own stream through relays that do nothing else.",
  tokenMs: 20,
  load: {
    quick: { streams: 200, tasks: 200, tokens: 100 },
    full: { streams: 200, tasks: 400, tokens: 300 },
  },
  goal: 1.2,
};

const burst: RelayPart = {
  title: 'Burst relay',
  what: '64 streams of 256 tokens as fast as the engine and the sockets go.',
  tokenMs: 0,
  load: {
    quick: { streams: 64, tasks: 256, tokens: 256 },
    full: { streams: 64, tasks: 1024, tokens: 256 },
  },
  goal: 2.5,
};

export const relayPart: Part = { name: 'relay', run: size => measure(paced, size) };
export const burstPart: Part = { name: 'burst', run: size => measure(burst, size) };
