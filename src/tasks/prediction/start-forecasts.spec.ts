import { NEVER } from 'rxjs';
import { beforeEach, expect, it } from 'vitest';
import { plainSpec } from '../../../test/contracts/journal-samples';
import type { PoolStatus } from '../../pools/registry/pool';
import type { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { Clock } from '../../time/clock';
import type { Claim } from '../ledger/task-ledger.port';
import type { AdmissionFacts } from '../task/task';
import { LoadReports } from './load-reports.port';
import type { Run } from './runs';
import { StartForecasts } from './start-forecasts';

const SLOTS = 2;
const MS_PER_TOKEN = 10;
const replica = {
  ...{ poolId: 'p', replicaId: 'r', engine: 'llamacpp', live: true, ready: true, slotsTotal: SLOTS },
  ...{ supportedWorkloads: ['completion'], models: [], features: [] },
};
const pool = { poolId: 'p', live: true, ready: true, replicas: [replica] } as unknown as PoolStatus;

let nowMs: number;
let taken: number;
let nodes: Node[];

/** One of a deployment whose nodes see the same pool, each by a clock of its own, and hear of each other when a test says so. */
class Node extends LoadReports {
  override readonly hasPeers = true;
  report: () => string | undefined = () => undefined;
  receive: (node: string, text: string) => void = () => undefined;
  readonly forecasts: StartForecasts;
  changes = 0;
  private readonly running = new Map<Run, { readonly shown: { tokens: number }; readonly maxTokens: number }>();

  constructor(
    readonly name: string,
    private readonly clockAheadMs: number,
  ) {
    super();
    const clock = Object.assign(new Clock(), { nowMs: () => nowMs + this.clockAheadMs });
    const registry = {
      ...{ poolChanges$: NEVER, version: 1, view: () => [pool] },
      ...{ slotsFree: () => SLOTS - taken, releasing: () => 0 },
    } as unknown as PoolRegistry;
    this.forecasts = new StartForecasts(registry, clock, this);
    this.forecasts.onModuleInit();
  }

  changed(): void {
    this.changes++;
  }

  begin(report: Node['report'], receive: Node['receive']): void {
    Object.assign(this, { report, receive });
  }

  /** What the pool's pace is, from attempts that ended here. */
  learn(): void {
    const size = { promptTokens: 1, askedTokens: 100, cachedShare: 0, stoppedByItself: false, tokens: 100 };
    for (let n = 0; n < 20; n++)
      this.forecasts.paces.observe('p', { ...size, prefillMs: 5, decodeMs: 99 * MS_PER_TOKEN, beside: SLOTS });
  }

  /** Attempts of 100 tokens come to their end here, all at the same pace. */
  complete(attempts: number, msPerToken: number): void {
    for (let n = 0; n < attempts; n++) {
      const run = this.start(100);
      run.firstOutputAtMs = run.startedAtMs + 5;
      pass(5 + 99 * msPerToken);
      this.forecasts.completed(run, { tokensOut: 100, tokensIn: 1, finishReason: 'length' });
      this.end(run);
    }
  }

  start(maxTokens: number): Run {
    const shown = { tokens: 0 };
    const spec = plainSpec(`t${maxTokens}`, { prompt: 'Go.', maxTokens });
    const run = this.forecasts.began({ spec, placement: { poolId: 'p', replicaId: 'r' }, shown } as unknown as Claim);
    this.running.set(run, { shown, maxTokens });
    taken++;
    return run;
  }

  end(run: Run): void {
    this.running.delete(run);
    this.forecasts.ended(run);
    taken--;
  }

  /** Where its attempts are by now. */
  show(): void {
    for (const [run, { shown, maxTokens }] of this.running) {
      const ranMs = nowMs + this.clockAheadMs - run.startedAtMs;
      if (ranMs < 5) continue;
      run.firstOutputAtMs ??= run.startedAtMs + 5;
      shown.tokens = Math.min(maxTokens, 1 + Math.floor((ranMs - 5) / MS_PER_TOKEN));
    }
  }

  /** For a task behind as many of 500 tokens. */
  told(ahead: number, overtakenForMs = 0): number {
    return this.outlook(ahead, overtakenForMs).predictedStartMs;
  }

  outlook(ahead: number, overtakenForMs = 0): ReturnType<StartForecasts['tell']> {
    const { constraints } = plainSpec('t');
    const sums = { tasks: ahead, bytes: 4 * ahead, askedTokens: 500 * ahead };
    return this.forecasts.tell(plainSpec('t', { prompt: 'Go.', maxTokens: 500 }), {
      ahead: ahead > 0 ? [{ constraints, sums }] : [],
      overtakenForMs,
      isHeldUp: false,
    });
  }
}

function pass(ms: number): void {
  nowMs += ms;
  for (const node of nodes) node.show();
}

function allReport(): void {
  for (const node of nodes) {
    const text = node.report();
    if (text !== undefined) for (const other of nodes) if (other !== node) other.receive(node.name, text);
  }
}

beforeEach(() => {
  nowMs = 50_000;
  taken = 0;
  nodes = [new Node('a', 0), new Node('b', 7_777_777)];
});

it('tells at each node the same start, of what another one runs too: one long and one short task (B-ND-029)', () => {
  const [a, b] = nodes as [Node, Node];
  a.learn();
  allReport();
  a.start(20_000);
  a.start(1000);
  pass(8000);
  // The short one has 200 tokens to go; where nothing is known of it, half of a task of 500 is taken for it, and of the long one too.
  expect(a.told(0) / MS_PER_TOKEN).toBeCloseTo(200, -1);
  expect(b.told(6) / a.told(6)).toBeLessThan(0.7);
  allReport();
  for (const sinceMs of [0, 400, 900]) {
    pass(sinceMs);
    for (const ahead of [0, 1, 2, 6]) expect(b.told(ahead) / a.told(ahead)).toBeCloseTo(1, 1.5);
  }
});

it('counts what a node has said no more once it has fallen silent, or has ended it', () => {
  const [a, b] = nodes as [Node, Node];
  a.learn();
  allReport();
  const runs = [a.start(20_000), a.start(20_000)];
  pass(100);
  const unknown = b.told(0);
  allReport();
  expect(b.told(0)).toBeGreaterThan(10 * unknown);
  pass(4000);
  expect(b.told(0)).toBe(unknown);
  allReport();
  for (const run of runs) a.end(run);
  expect(a.report()).toContain('"runs":[]');
  expect(a.report()).toBeUndefined();
  expect(b.told(0)).toBe(a.told(0));
  // Who begins something others should hear of it soon.
  expect([a.changes, b.changes]).toEqual([2, 0]);
});

it('knows of a pool what any node has measured of it (B-ND-030)', () => {
  const [a, b] = nodes as [Node, Node];
  // Before its first report.
  a.complete(3, 70);
  taken = SLOTS;
  expect(b.outlook(1).predictedStart.basis).toBe('assumed');
  allReport();
  expect(b.outlook(1)).toEqual(a.outlook(1));
  expect(b.outlook(1).predictedStart.basis).toBe('measured');
  // Each lesson once, whoever it came to; those who get it neither pass it on nor keep it.
  const kept = a.forecasts.paces.takeNews();
  expect([b.forecasts.paces.takeNews(), b.report()]).toEqual([undefined, undefined]);
  allReport();
  expect(b.outlook(1)).toEqual(a.outlook(1));
  expect(kept).toBeDefined();
});

it('hears how far starts were from what was told of them', () => {
  const [a, b] = nodes as [Node, Node];
  a.learn();
  allReport();
  a.start(20_000);
  for (let n = 0; n < 20; n++) {
    const facts = a.outlook(0) as unknown as AdmissionFacts;
    const run = a.start(100);
    pass(400);
    a.forecasts.showed(run, facts);
    a.end(run);
  }
  taken--;
  expect(a.outlook(0)).not.toEqual(b.outlook(0));
  allReport();
  expect(b.outlook(0)).toEqual(a.outlook(0));
});

it('expects before a batch task what comes to any node', () => {
  const [a, b] = nodes as [Node, Node];
  a.learn();
  allReport();
  a.start(1000);
  a.start(1000);
  for (let n = 0; n < 20; n++) a.forecasts.admitted(plainSpec('t'));
  pass(500);
  allReport();
  expect(a.told(1, 60_000)).toBeGreaterThan(1.2 * a.told(1));
  expect(b.told(1, 60_000) / a.told(1, 60_000)).toBeCloseTo(1, 1.5);
});

it('hears no harm of what it cannot read', () => {
  const [a, b] = nodes as [Node, Node];
  a.start(1000);
  for (const text of ['', 'x', '{"v":1,"runs":{"p/r":1}}', '{"v":9}']) b.receive('a', text);
  expect(b.told(0)).toBeGreaterThan(0);
});
