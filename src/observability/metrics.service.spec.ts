import { Counter, Gauge, Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../errors/service-error';
import { LatencyFigures } from './latency-figures';
import { labelBounds, metricCatalogue, type MetricDefinition, type MetricName } from './metric-catalogue';
import { MetricsService } from './metrics.service';

const by = { engine: 'llamacpp', engineVersion: 'b1', poolId: 'p', replicaId: 'r' };

describe('MetricsService', () => {
  let registry: Registry;
  let metrics: MetricsService;
  let latencies: LatencyFigures;

  beforeEach(() => {
    registry = new Registry();
    const byName = Object.entries(metricCatalogue)
      .filter(([, { kind }]) => kind !== 'histogram')
      .map(([name, { kind, help, labels }]: [string, MetricDefinition]) => [
        name,
        new (kind === 'counter' ? Counter : Gauge)({ name, help, labelNames: [...labels], registers: [registry] }),
      ]);
    latencies = new LatencyFigures();
    metrics = new MetricsService(new Map(byName as [MetricName, Counter][]), latencies);
  });

  const sample = async (line: string): Promise<string | undefined> =>
    (await registry.metrics())
      .split('\n')
      .find(text => text.startsWith(line))
      ?.split(' ')
      .at(-1);

  it('counts under the labels of who served (B-OBS-010)', async () => {
    metrics.taskStarted(by, 'batch');
    metrics.tokens(by, 'batch', { tokensIn: 3, tokensCached: 1, tokensOut: 40 });
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

  it('observes latencies in histograms (B-OBS-012)', () => {
    metrics.firstToken(by, 'interactive', 12);
    metrics.firstToken({ ...by, replicaId: 'another' }, 'interactive', 25);
    metrics.firstToken({ ...by, replicaId: 'another' }, 'interactive', 1e9);
    metrics.prompt(by, 'interactive', 1);
    const labels = { engine: 'llamacpp', engine_version: 'b1', pool_id: 'p', priority: 'interactive' };
    const samples = latencies.samples('latency_first_token_ms');
    const bucket = (le: number | string) =>
      samples.find(found => found.labels['le'] === le && found.metricName === 'latency_first_token_ms_bucket')?.value;
    expect([10, 25, 300_000, '+Inf'].map(bucket)).toEqual([0, 2, 2, 3]);
    expect(samples.slice(-2)).toEqual([
      { labels, value: 12 + 25 + 1e9, metricName: 'latency_first_token_ms_sum' },
      { labels, value: 3, metricName: 'latency_first_token_ms_count' },
    ]);
    expect(latencies.samples('latency_prompt_ms').at(-1)).toMatchObject({ labels, value: 1 });
    expect(latencies.samples('latency_decode_ms')).toEqual([]);
  });

  it('folds series of histograms past the bound of a label into other, and loses none (B-OBS-013)', () => {
    for (let n = 0; n < 3000; n++)
      for (const priority of ['interactive', 'batch']) metrics.decode({ ...by, poolId: `p${n}` }, priority, n);
    const counts = latencies
      .samples('latency_decode_ms')
      .filter(({ metricName }) => metricName === 'latency_decode_ms_count');
    expect(counts).toHaveLength(2 * (labelBounds.pool_id + 1));
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBe(6000);
    expect(counts.filter(({ labels }) => labels['pool_id'] === 'other').map(({ value }) => value)).toEqual([
      3000 - labelBounds.pool_id,
      3000 - labelBounds.pool_id,
    ]);
  });

  it('adds up what either priority used, and says nothing of a cache that no engine spoke of', async () => {
    metrics.tokens(by, 'batch', { tokensIn: 3, tokensOut: 40 });
    metrics.tokens(by, 'interactive', { tokensIn: 0, tokensOut: 2 });
    const label = '{engine="llamacpp",engine_version="b1",pool_id="p",replica_id="r"}';
    expect(await sample(`tokens_out_total${label}`)).toBe('42');
    expect(await sample('tokens_cached_total{')).toBeUndefined();
    metrics.tokens({ ...by, replicaId: 'r2' }, 'batch', { tokensIn: 0, tokensCached: 0, tokensOut: 0 });
    expect(await sample('tokens_in_total{engine="llamacpp",engine_version="b1",pool_id="p",replica_id="r2"}')).toBe(
      '0',
    );
    expect(await sample('tokens_cached_total{engine="llamacpp",engine_version="b1",pool_id="p",replica_id="r2"}')).toBe(
      '0',
    );
    expect(await sample('tasks_enqueued_total{')).toBeUndefined();
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
