import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config';
import { MetricsController } from '../meta/metrics.controller';
import { HttpFigures } from './http-figures';
import { Logger } from './logger';
import { MetricsService } from './metrics.service';
import { ObservabilityModule } from './observability.module';

/** The contract with dashboards and alerts, as it was agreed; `metric-catalogue.ts` must say the same. */
const replica = ['engine', 'engine_version', 'pool_id', 'replica_id'];
const lane = ['engine', 'engine_version', 'pool_id', 'priority'];
const contract: Readonly<Record<string, readonly [kind: string, ...labels: string[]]>> = {
  tasks_enqueued_total: ['counter', ...replica, 'priority'],
  tasks_started_total: ['counter', ...replica, 'priority'],
  tasks_canceled_total: ['counter', ...replica, 'reason'],
  tasks_rejected_total: ['counter', 'engine', 'reason'],
  tokens_in_total: ['counter', ...replica],
  tokens_cached_total: ['counter', ...replica],
  tokens_out_total: ['counter', ...replica],
  admission_backpressure_events_total: ['counter', 'engine', 'policy'],
  catalog_verifications_total: ['counter', 'result', 'reason', 'engine'],
  placement_decisions_total: ['counter', 'outcome', 'pinned', 'fallback'],
  queue_depth: ['gauge', ...lane],
  kv_cache_usage_ratio: ['gauge', ...replica],
  gpu_utilization: ['gauge', ...replica, 'device'],
  vram_used_bytes: ['gauge', ...replica, 'device'],
  model_state: ['gauge', 'model_id', 'state'],
  placement_candidates_considered: ['gauge'],
  http_requests_total: ['counter', 'route', 'method', 'status'],
  http_request_duration_ms: ['histogram', 'route', 'method'],
  log_lines_dropped_total: ['counter', 'reason'],
  latency_first_token_ms: ['histogram', ...lane],
  latency_prompt_ms: ['histogram', ...lane],
  latency_decode_ms: ['histogram', ...lane],
};
/** No engine reports these yet, so nothing sets them. */
const neverSet = ['gpu_utilization', 'vram_used_bytes'];

const by = { engine: 'llamacpp', engineVersion: 'b1', poolId: 'p', replicaId: 'r' };
const apps: NestFastifyApplication[] = [];

async function start(): Promise<NestFastifyApplication> {
  const logger = new Logger(loadConfig({}).config, { write: () => undefined });
  const module = await Test.createTestingModule({
    imports: [ObservabilityModule.with(logger, MetricsController)],
  }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  apps.push(app);
  return app;
}
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function scrape(app: NestFastifyApplication) {
  const answer = await app.inject({ method: 'GET', url: '/metrics' });
  return { type: answer.headers['content-type'], lines: answer.body.split('\n') };
}

describe('GET /metrics', () => {
  it('is Prometheus text and has each metric with its type, before anything was counted (B-OBS-003, B-OBS-007)', async () => {
    const { type, lines } = await scrape(await start());
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const [name, [kind]] of Object.entries(contract)) {
      expect(lines, name).toContain(`# TYPE ${name} ${kind}`);
      // What was not counted is absent and not 0.
      expect(lines.filter(line => line.startsWith(name))).toEqual([]);
    }
    expect(lines).toContain('# TYPE process_cpu_seconds_total counter');
    expect(lines).toContain('# TYPE nodejs_eventloop_lag_p99_seconds gauge');
  });

  it('has each metric under its labels and no others (B-OBS-004)', async () => {
    const app = await start();
    const metrics = app.get(MetricsService);
    metrics.taskEnqueued(by, 'batch');
    metrics.taskStarted(by, 'batch');
    metrics.taskCanceled(by, 'client');
    metrics.taskRejected('llamacpp', 'ADMISSION_REJECT');
    metrics.tokens(by, 'batch', { tokensIn: 1, tokensCached: 1, tokensOut: 2 });
    metrics.backpressure('llamacpp', 'reject');
    metrics.catalogVerification('passed', '', 'llamacpp');
    metrics.placementDecision('placed', true, false, 3);
    metrics.kvCacheUsage(by, 0.5);
    metrics.modelState('m', 'loaded', 1);
    metrics.firstToken(by, 'batch', 1);
    metrics.prompt(by, 'batch', 1);
    metrics.decode(by, 'batch', 1);
    app.get(HttpFigures).path('/v2/tasks/:id').of('GET').observe(200, 7);
    metrics.logLinesDroppedFrom(() => new Map([['ENOSPC', 3]]));
    metrics.queueDepthFrom(async () => [{ engine: 'llamacpp', poolId: 'p', priority: 'batch', depth: 1 }]);
    const { lines } = await scrape(app);
    for (const [name, [kind, ...labels]] of Object.entries(contract)) {
      if (neverSet.includes(name)) continue;
      const sample = lines.find(line => line.startsWith(kind === 'histogram' ? `${name}_sum` : name)) ?? '';
      const found = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect(sample, name).toMatch(/ [0-9.]+$/);
      expect(found.sort(), name).toEqual([...labels].sort());
    }
  });

  it('of a service that was started anew in the same process begins anew', async () => {
    const first = await start();
    first.get(MetricsService).tokens(by, 'batch', { tokensIn: 1, tokensCached: 1, tokensOut: 2 });
    await apps.pop()?.close();
    const { lines } = await scrape(await start());
    expect(lines).toContain('# TYPE tokens_out_total counter');
    expect(lines.filter(line => line.startsWith('tokens_out_total'))).toEqual([]);
  });
});
