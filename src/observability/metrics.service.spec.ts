import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../errors/service-error';
import { metricCatalogue, type MetricDefinition, type MetricName } from './metric-catalogue';
import { MetricsService } from './metrics.service';

const by = { engine: 'llamacpp', engineVersion: 'b1', poolId: 'p', replicaId: 'r' };

describe('MetricsService', () => {
  let registry: Registry;
  let metrics: MetricsService;

  beforeEach(() => {
    registry = new Registry();
    const kinds = { counter: Counter, gauge: Gauge, histogram: Histogram };
    const byName = Object.entries(metricCatalogue).map(([name, { kind, help, labels }]: [string, MetricDefinition]) => [
      name,
      new kinds[kind]({ name, help, labelNames: [...labels], registers: [registry] }),
    ]);
    metrics = new MetricsService(new Map(byName as [MetricName, Counter][]));
  });

  const sample = async (line: string): Promise<string | undefined> =>
    (await registry.metrics())
      .split('\n')
      .find(text => text.startsWith(line))
      ?.split(' ')
      .at(-1);

  it('counts under the labels of who served (B-OBS-010)', async () => {
    metrics.taskStarted(by, 'batch');
    metrics.tokens(by, { tokensIn: 3, tokensCached: 1, tokensOut: 40 });
    expect(
      await sample(
        'tasks_started_total{engine="llamacpp",engine_version="b1",pool_id="p",replica_id="r",priority="batch"}',
      ),
    ).toBe('1');
    expect(await sample('tokens_out_total{engine="llamacpp",engine_version="b1",pool_id="p",replica_id="r"}')).toBe(
      '40',
    );
  });

  it('sets gauges, and lets a series go that has no value any more (B-OBS-011)', async () => {
    metrics.modelState('m', 'loaded', 2);
    metrics.kvCacheUsage(by, 0.5);
    expect(await sample('model_state{model_id="m",state="loaded"}')).toBe('2');
    expect(await sample('kv_cache_usage_ratio{')).toBe('0.5');
    metrics.modelState('m', 'loaded', 0);
    metrics.kvCacheUsage(by, undefined);
    expect(await sample('model_state{')).toBeUndefined();
    expect(await sample('kv_cache_usage_ratio{')).toBeUndefined();
  });

  it('observes latencies in histograms (B-OBS-012)', async () => {
    metrics.firstToken(by, 'interactive', 12);
    expect(await sample('latency_first_token_ms_count{')).toBe('1');
    expect(await sample('latency_first_token_ms_sum{')).toBe('12');
  });

  it('folds what passes the bound of a label into other (B-OBS-013)', async () => {
    for (let n = 0; n < 100_000; n++) metrics.taskRejected(`engine-${n}`, `reason-${n}`);
    const series = (await registry.metrics()).split('\n').filter(line => line.startsWith('tasks_rejected_total{'));
    expect(series.length).toBeLessThanOrEqual(9 * 17);
    expect(await sample('tasks_rejected_total{engine="other",reason="other"}')).toBeDefined();
  });

  it('has each count once, between scrapes or over them, with few labels or with many', async () => {
    const total = async (): Promise<number> => {
      const lines = (await registry.metrics()).split('\n').filter(line => line.startsWith('tasks_rejected_total{'));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    };
    for (let n = 0; n < 5000; n++) metrics.taskRejected(`engine-${n % 1500}`, `reason-${n % 2}`);
    expect(await total()).toBe(5000);
    for (let n = 0; n < 10; n++) metrics.taskRejected('engine-0', 'reason-0');
    expect(await total()).toBe(5010);
    expect(await total()).toBe(5010);
    expect(await sample('tasks_rejected_total{engine="engine-0",reason="reason-0"}')).toBe('14');
  });

  it('counts lines of the log that are missing once, however many scrape', async () => {
    metrics.logLinesDroppedFrom(() => new Map([['stalled', 3]]));
    await Promise.all([metrics.collect(), metrics.collect()]);
    expect(await sample('log_lines_dropped_total{')).toBe('3');
  });

  it('has room for what is real, whatever names others were counted under (B-OBS-013)', async () => {
    for (let n = 0; n < 1000; n++) metrics.taskRejected(`engine-${n}`, `reason-${n}`);
    metrics.taskStarted(by, 'batch');
    metrics.taskCanceled(by, 'client');
    expect(await sample('tasks_started_total{engine="llamacpp"')).toBe('1');
    expect(await sample('tasks_canceled_total{engine="llamacpp"')).toBe('1');
  });

  it('has the queue of now, whatever was queued before', async () => {
    const queued = (poolId: string) => ({ engine: '', poolId, priority: 'batch', depth: 1 });
    for (let n = 0; n < 300; n++) {
      metrics.queueDepthFrom(async () => [queued(`pool-${n}`)]);
      await metrics.collect();
    }
    const series = (await registry.metrics()).split('\n').filter(line => line.startsWith('queue_depth{'));
    expect(series).toEqual(['queue_depth{engine="",engine_version="",pool_id="pool-299",priority="batch"} 1']);
  });

  it('has all but the depth of the queue while storage cannot be asked', async () => {
    metrics.queueDepthFrom(async () => [{ engine: 'llamacpp', poolId: '', priority: 'batch', depth: 3 }]);
    await metrics.collect();
    metrics.queueDepthFrom(() => Promise.reject(new ServiceError('STORAGE_UNAVAILABLE')));
    metrics.placementDecision('placed', false, false, 7);
    await metrics.collect();
    expect([await sample('queue_depth{'), await sample('placement_candidates_considered')]).toEqual([undefined, '7']);
  });

  it('counts no candidates before the first placement (B-OBS-014)', async () => {
    expect(await sample('placement_candidates_considered')).toBeUndefined();
    metrics.placementDecision('placed', false, false, 0);
    expect(await sample('placement_candidates_considered')).toBe('0');
  });

  it('shows the depth of the queue as it is at the scrape', async () => {
    let depth = 3;
    metrics.queueDepthFrom(async () => [{ engine: 'llamacpp', poolId: '', priority: 'batch', depth }]);
    await metrics.collect();
    expect(await sample('queue_depth{engine="llamacpp"')).toBe('3');
    depth = 0;
    await metrics.collect();
    expect(await sample('queue_depth{engine="llamacpp"')).toBe('0');
  });
});
