import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Gauge, type Histogram } from 'prom-client';
import { ServiceError } from '../errors/service-error';
import { labelBounds, metricCatalogue, type LabelName, type MetricName } from './metric-catalogue';

/** Labels that say who served a task; the empty string where it is not known yet. */
export interface ServedBy {
  readonly engine: string;
  readonly engineVersion: string;
  readonly poolId: string;
  readonly replicaId: string;
}

/** Tokens of one task, as its engine counts them. */
export interface TokenCounts {
  readonly tokensIn: number;
  /** Undefined where the engine does not say. */
  readonly tokensCached?: number;
  readonly tokensOut: number;
}

/** One row of the queue's depth, as tasks asked for it. */
export interface DepthSample {
  readonly engine: string;
  readonly poolId: string;
  readonly priority: string;
  readonly depth: number;
}

export const METRICS = Symbol('METRICS');

/** The registered metrics by name. */
export type MetricsByName = ReadonlyMap<MetricName, Counter | Gauge | Histogram>;

type Labels = Partial<Record<LabelName, string>>;

/** Counts that are handed to the library at once, at the latest. */
const TALLIES_MAX = 1024;

/** The one way to count, gauge and observe. Label values are bounded here; callers pass what they have. */
@Injectable()
export class MetricsService {
  private readonly bounds = new Map<MetricName, LabelBounds>();
  private readonly tallies = new Tallies();
  private depthSource: () => Promise<readonly DepthSample[]> = () => Promise.resolve([]);
  private droppedLines: () => ReadonlyMap<string, number> = () => new Map();

  constructor(@Inject(METRICS) private readonly metrics: MetricsByName) {
    for (const [name, metric] of metrics) {
      this.bounds.set(name, new LabelBounds());
      // What the library calls before it shows one.
      if (metric instanceof Counter) Object.assign(metric, { collect: () => this.handOver() });
    }
    // A gauge without labels starts with a sample of 0, which nobody has measured.
    this.gauge('placement_candidates_considered').remove();
  }

  taskEnqueued(by: ServedBy, priority: string): void {
    this.count('tasks_enqueued_total', Object.assign(servedBy(by), { priority }));
  }

  taskStarted(by: ServedBy, priority: string): void {
    this.count('tasks_started_total', Object.assign(servedBy(by), { priority }));
  }

  taskCanceled(by: ServedBy, reason: string): void {
    this.count('tasks_canceled_total', Object.assign(servedBy(by), { reason }));
  }

  taskRejected(engine: string, reason: string): void {
    this.count('tasks_rejected_total', { engine, reason });
  }

  backpressure(engine: string, policy: string): void {
    this.count('admission_backpressure_events_total', { engine, policy });
  }

  batchLine(result: string): void {
    this.count('batch_lines_total', { result });
  }

  openBatches(state: string, batches: number): void {
    this.gauge('open_batches').set(this.bounded('open_batches', { state }), batches);
  }

  /** Added up per stream and counted at its end. */
  tokens(by: ServedBy, { tokensIn, tokensCached, tokensOut }: TokenCounts): void {
    this.count('tokens_in_total', servedBy(by), tokensIn);
    if (tokensCached !== undefined) this.count('tokens_cached_total', servedBy(by), tokensCached);
    this.count('tokens_out_total', servedBy(by), tokensOut);
  }

  catalogVerification(result: string, reason: string, engine: string): void {
    this.count('catalog_verifications_total', { result, reason, engine });
  }

  placementDecision(outcome: string, pinned: boolean, fallback: boolean, candidates: number): void {
    this.count('placement_decisions_total', { outcome, pinned: String(pinned), fallback: String(fallback) });
    this.gauge('placement_candidates_considered').set(candidates);
  }

  firstToken(by: ServedBy, priority: string, ms: number): void {
    this.observe('latency_first_token_ms', by, priority, ms);
  }

  prompt(by: ServedBy, priority: string, ms: number): void {
    this.observe('latency_prompt_ms', by, priority, ms);
  }

  decode(by: ServedBy, priority: string, ms: number): void {
    this.observe('latency_decode_ms', by, priority, ms);
  }

  /** 0 to 1. Undefined: the engine reports none, and the series goes away. */
  kvCacheUsage(by: ServedBy, ratio: number | undefined): void {
    const labels = this.bounded('kv_cache_usage_ratio', servedBy(by));
    if (ratio === undefined) this.gauge('kv_cache_usage_ratio').remove(labels);
    else this.gauge('kv_cache_usage_ratio').set(labels, ratio);
  }

  /** How many replicas have a model in a state; with none the series goes away. */
  modelState(modelId: string, state: string, replicas: number): void {
    const labels = this.bounded('model_state', { model_id: modelId, state });
    if (replicas === 0) this.gauge('model_state').remove(labels);
    else this.gauge('model_state').set(labels, replicas);
  }

  /** The queue tells its depth when somebody scrapes, so that the gauge is never behind it. */
  queueDepthFrom(source: () => Promise<readonly DepthSample[]>): void {
    this.depthSource = source;
  }

  /** The log counts what it drops: counting it here must not take a line. */
  logLinesDroppedFrom(source: () => ReadonlyMap<string, number>): void {
    this.droppedLines = source;
  }

  /** Brings what is only read at a scrape up to date. */
  async collect(): Promise<void> {
    const dropped = this.metrics.get('log_lines_dropped_total') as Counter;
    dropped.reset();
    for (const [reason, lines] of this.droppedLines())
      dropped.inc(this.bounded('log_lines_dropped_total', { reason }), lines);
    const samples = await this.depths();
    const gauge = this.gauge('queue_depth');
    gauge.reset();
    // Shown anew at each scrape, so what was queued an hour ago takes no room from what is queued now.
    this.bounds.set('queue_depth', new LabelBounds());
    for (const { engine, poolId, priority, depth } of samples) {
      const labels = { engine, engine_version: '', pool_id: poolId, priority };
      gauge.inc(this.bounded('queue_depth', labels), depth);
    }
  }

  /** None while storage is away: nobody knows, and all other figures are wanted then. */
  private async depths(): Promise<readonly DepthSample[]> {
    try {
      return await this.depthSource();
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'STORAGE_UNAVAILABLE') return [];
      throw thrown;
    }
  }

  /** Added up here until somebody scrapes, for to count in the library costs a microsecond each time, and a task is counted some ten times. */
  private count(name: MetricName, labels: Labels, by = 1): void {
    if (this.tallies.size >= TALLIES_MAX) this.handOver();
    this.tallies.of(name, labels).sum += by;
  }

  private handOver(): void {
    for (const { name, labels, sum } of this.tallies.take())
      (this.metrics.get(name) as Counter).inc(this.bounded(name, labels), sum);
  }

  private observe(name: MetricName, by: ServedBy, priority: string, ms: number): void {
    const { engine, engineVersion, poolId } = by;
    const labels = { engine, engine_version: engineVersion, pool_id: poolId, priority };
    (this.metrics.get(name) as Histogram).observe(this.bounded(name, labels), ms);
  }

  private gauge(name: MetricName): Gauge {
    return this.metrics.get(name) as Gauge;
  }

  /** Bounds the labels in place: each call makes its own. */
  private bounded(name: MetricName, labels: Labels): Labels {
    const bounds = this.bounds.get(name) as LabelBounds; // One for each metric since the start.
    for (const label in labels) {
      labels[label as LabelName] = bounds.bounded(label as LabelName, labels[label as LabelName] ?? '');
    }
    return labels;
  }
}

function servedBy({ engine, engineVersion, poolId, replicaId }: ServedBy): Labels {
  return { engine, engine_version: engineVersion, pool_id: poolId, replica_id: replicaId };
}

/** What was counted under the same labels. */
interface Tally {
  readonly name: MetricName;
  readonly labels: Labels;
  sum: number;
}

/** Tallies by metric and then by the value of each label, which takes no text that is made of them all. */
class Tallies {
  private root: TallyNode = new TallyNode();
  private all: Tally[] = [];

  get size(): number {
    return this.all.length;
  }

  of(name: MetricName, labels: Labels): Tally {
    let node = this.root.next(name);
    for (const label of metricCatalogue[name].labels) node = node.next(labels[label] ?? '');
    if (!node.tally) this.all.push((node.tally = { name, labels, sum: 0 }));
    return node.tally;
  }

  /** All of them, in the order in which they came; they begin anew. */
  take(): readonly Tally[] {
    const { all } = this;
    this.root = new TallyNode();
    this.all = [];
    return all;
  }
}

class TallyNode {
  tally: Tally | undefined;
  private readonly nexts = new Map<string, TallyNode>();

  next(value: string): TallyNode {
    let next = this.nexts.get(value);
    if (!next) this.nexts.set(value, (next = new TallyNode()));
    return next;
  }
}

const OVERFLOW = 'other';

/**
 * Lets each label of one metric take a bounded number of values. Each metric has bounds of its own, so that what is counted
 * under names that clients give (refusals, say) takes no room from what is counted under the names of real replicas.
 */
class LabelBounds {
  private readonly seen = new Map<LabelName, Set<string>>();

  /** The value, or `other` past the bound. The empty string ("not known") takes no room. */
  bounded(label: LabelName, value: string): string {
    if (value === '') return value;
    let values = this.seen.get(label);
    if (!values) this.seen.set(label, (values = new Set()));
    if (values.has(value)) return value;
    if (values.size >= labelBounds[label]) return OVERFLOW;
    values.add(value);
    return value;
  }
}
