import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Gauge } from 'prom-client';
import { ServiceError } from '../errors/service-error';
import { LabelBounds, type Labels } from './label-bounds';
import { LatencyFigures } from './latency-figures';
import { metricCatalogue, type LabelName, type MetricName } from './metric-catalogue';
import type { ServedBy } from './served-by';
import { TupleMap } from './tuple-map';

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

/** The registered metrics by name; as far as they are used here, of these kinds. */
export type MetricsByName = ReadonlyMap<MetricName, Counter | Gauge>;

/** Counts that are handed to the library at once, at the latest. */
const TALLIES_MAX = 1024;

/** The one way to count, gauge and observe. Label values are bounded here; callers pass what they have. */
@Injectable()
export class MetricsService {
  private readonly bounds = new Map<MetricName, LabelBounds>();
  private readonly tallies = new TupleMap<Tally>();
  private readonly servedTallies = new TupleMap<ServedTally>();
  private candidatesConsidered: number | undefined;
  private depthSource: () => Promise<readonly DepthSample[]> = () => Promise.resolve([]);
  private droppedLines: () => ReadonlyMap<string, number> = () => new Map();

  constructor(
    @Inject(METRICS) private readonly metrics: MetricsByName,
    private readonly latencies: LatencyFigures,
  ) {
    for (const [name, metric] of metrics) {
      this.bounds.set(name, new LabelBounds());
      // What the library calls before it shows one.
      if (metric instanceof Counter) Object.assign(metric, { collect: () => this.handOver() });
    }
    const considered = this.gauge('placement_candidates_considered');
    // A gauge without labels starts with a sample of 0, which nobody has measured.
    considered.remove();
    Object.assign(considered, { collect: () => this.showCandidates(considered) });
  }

  taskEnqueued(by: ServedBy, priority: string): void {
    this.tallyOf(by, priority).enqueued++;
  }

  taskStarted(by: ServedBy, priority: string): void {
    this.tallyOf(by, priority).started++;
  }

  taskCanceled(by: ServedBy, reason: string): void {
    this.count('tasks_canceled_total', { ...labelsOf(by), reason });
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
  tokens(by: ServedBy, priority: string, { tokensIn, tokensCached, tokensOut }: TokenCounts): void {
    const tally = this.tallyOf(by, priority);
    tally.ended++;
    tally.tokensIn += tokensIn;
    tally.tokensOut += tokensOut;
    if (tokensCached !== undefined) tally.tokensCached = (tally.tokensCached ?? 0) + tokensCached;
  }

  catalogVerification(result: string, reason: string, engine: string): void {
    this.count('catalog_verifications_total', { result, reason, engine });
  }

  placementDecision(outcome: string, pinned: boolean, fallback: boolean, candidates: number): void {
    this.count('placement_decisions_total', { outcome, pinned: String(pinned), fallback: String(fallback) });
    this.candidatesConsidered = candidates;
  }

  firstToken(by: ServedBy, priority: string, ms: number): void {
    this.latencies.observe('latency_first_token_ms', by, priority, ms);
  }

  prompt(by: ServedBy, priority: string, ms: number): void {
    this.latencies.observe('latency_prompt_ms', by, priority, ms);
  }

  decode(by: ServedBy, priority: string, ms: number): void {
    this.latencies.observe('latency_decode_ms', by, priority, ms);
  }

  /** 0 to 1. Undefined: the engine reports none, and the series goes away. */
  kvCacheUsage(by: ServedBy, ratio: number | undefined): void {
    const labels = this.bounded('kv_cache_usage_ratio', labelsOf(by));
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

  /** Added up here until somebody scrapes: counting in the library costs a microsecond each time, and a task is counted some ten times. */
  private count(name: MetricName, labels: Labels): void {
    if (this.tallies.size >= TALLIES_MAX) this.handOver();
    const values = metricCatalogue[name].labels.map((label: LabelName) => labels[label] ?? '');
    this.tallies.getOrMake([name, ...values], () => ({ name, labels, sum: 0 })).sum++;
  }

  /** What is counted of every task has one tally: it is found once for all of these counts. Handed over as those of {@link count}. */
  private tallyOf(by: ServedBy, priority: string): ServedTally {
    if (this.servedTallies.size >= TALLIES_MAX) this.handOver();
    const values = [by.engine, by.engineVersion, by.poolId, by.replicaId, priority];
    return this.servedTallies.getOrMake(values, () => new ServedTally(by, priority));
  }

  private handOver(): void {
    for (const { name, labels, sum } of this.tallies.take()) this.add(name, labels, sum);
    for (const {
      by,
      priority,
      enqueued,
      started,
      ended,
      tokensIn,
      tokensCached,
      tokensOut,
    } of this.servedTallies.take()) {
      if (enqueued > 0) this.add('tasks_enqueued_total', { ...labelsOf(by), priority }, enqueued);
      if (started > 0) this.add('tasks_started_total', { ...labelsOf(by), priority }, started);
      if (ended === 0) continue;
      this.add('tokens_in_total', labelsOf(by), tokensIn);
      if (tokensCached !== undefined) this.add('tokens_cached_total', labelsOf(by), tokensCached);
      this.add('tokens_out_total', labelsOf(by), tokensOut);
    }
  }

  private add(name: MetricName, labels: Labels, sum: number): void {
    (this.metrics.get(name) as Counter).inc(this.bounded(name, labels), sum);
  }

  private showCandidates(gauge: Gauge): void {
    if (this.candidatesConsidered !== undefined) gauge.set(this.candidatesConsidered);
  }

  private gauge(name: MetricName): Gauge {
    return this.metrics.get(name) as Gauge;
  }

  /** Changes the labels that it is given: each call makes its own. */
  private bounded(name: MetricName, labels: Labels): Labels {
    return (this.bounds.get(name) as LabelBounds).bound(labels); // One for each metric since the start.
  }
}

function labelsOf({ engine, engineVersion, poolId, replicaId }: ServedBy): Labels {
  return { engine, engine_version: engineVersion, pool_id: poolId, replica_id: replicaId };
}

/** What was counted under the same labels. */
interface Tally {
  readonly name: MetricName;
  readonly labels: Labels;
  sum: number;
}

/** Counts of tasks of one priority that the same replica served; before a placement, of those that asked for the same. */
class ServedTally {
  enqueued = 0;
  started = 0;
  /** Tasks whose tokens are counted here. */
  ended = 0;
  tokensIn = 0;
  tokensOut = 0;
  /** Undefined where the engine has told of none. */
  tokensCached: number | undefined;

  constructor(
    readonly by: ServedBy,
    readonly priority: string,
  ) {}
}
