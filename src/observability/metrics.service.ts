import { Inject, Injectable } from '@nestjs/common';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { LabelBounds } from './label-bounds';
import type { LabelName, MetricName } from './metric-catalogue';

/** Labels that say who served a task; the empty string where it is not known yet. */
export interface ServedBy {
  readonly engine: string;
  readonly engineVersion: string;
  readonly poolId: string;
  readonly replicaId: string;
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

/** The one way to count, gauge and observe. Label values are bounded here; callers pass what they have. */
@Injectable()
export class MetricsService {
  private readonly bounds = new LabelBounds();
  private depthSource: () => Promise<readonly DepthSample[]> = () => Promise.resolve([]);

  constructor(@Inject(METRICS) private readonly metrics: MetricsByName) {}

  taskEnqueued(by: ServedBy, priority: string): void {
    this.count('tasks_enqueued_total', { ...servedBy(by), priority });
  }

  taskStarted(by: ServedBy, priority: string): void {
    this.count('tasks_started_total', { ...servedBy(by), priority });
  }

  taskCanceled(by: ServedBy, reason: string): void {
    this.count('tasks_canceled_total', { ...servedBy(by), reason });
  }

  taskRejected(engine: string, reason: string): void {
    this.count('tasks_rejected_total', { engine, reason });
  }

  backpressure(engine: string, policy: string): void {
    this.count('admission_backpressure_events_total', { engine, policy });
  }

  /** Added up per stream and counted at its end. */
  tokens(by: ServedBy, tokensIn: number, tokensOut: number): void {
    const labels = servedBy(by);
    this.count('tokens_in_total', labels, tokensIn);
    this.count('tokens_out_total', labels, tokensOut);
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

  decode(by: ServedBy, priority: string, ms: number): void {
    this.observe('latency_decode_ms', by, priority, ms);
  }

  /** 0 to 1. Undefined: the engine reports none, and the series goes away. */
  kvCacheUsage(by: ServedBy, ratio: number | undefined): void {
    const labels = this.bounded(servedBy(by));
    if (ratio === undefined) this.gauge('kv_cache_usage_ratio').remove(labels);
    else this.gauge('kv_cache_usage_ratio').set(labels, ratio);
  }

  /** How many replicas have a model in a state; with none the series goes away. */
  modelState(modelId: string, state: string, replicas: number): void {
    const labels = this.bounded({ model_id: modelId, state });
    if (replicas === 0) this.gauge('model_state').remove(labels);
    else this.gauge('model_state').set(labels, replicas);
  }

  /** The queue tells its depth when somebody scrapes, so that the gauge is never behind it. */
  queueDepthFrom(source: () => Promise<readonly DepthSample[]>): void {
    this.depthSource = source;
  }

  /** Brings the gauges that are only read at a scrape up to date. */
  async collect(): Promise<void> {
    const samples = await this.depthSource();
    const gauge = this.gauge('queue_depth');
    gauge.reset();
    for (const { engine, poolId, priority, depth } of samples) {
      gauge.inc(this.bounded({ engine, engine_version: '', pool_id: poolId, priority }), depth);
    }
  }

  private count(name: MetricName, labels: Labels, by = 1): void {
    (this.metrics.get(name) as Counter).inc(this.bounded(labels), by);
  }

  private observe(name: MetricName, by: ServedBy, priority: string, ms: number): void {
    const { engine, engineVersion, poolId } = by;
    const labels = this.bounded({ engine, engine_version: engineVersion, pool_id: poolId, priority });
    (this.metrics.get(name) as Histogram).observe(labels, ms);
  }

  private gauge(name: MetricName): Gauge {
    return this.metrics.get(name) as Gauge;
  }

  private bounded(labels: Labels): Labels {
    const bounded: Labels = {};
    for (const [label, value] of Object.entries(labels) as [LabelName, string][])
      bounded[label] = this.bounds.bounded(label, value);
    return bounded;
  }
}

function servedBy({ engine, engineVersion, poolId, replicaId }: ServedBy): Labels {
  return { engine, engine_version: engineVersion, pool_id: poolId, replica_id: replicaId };
}
