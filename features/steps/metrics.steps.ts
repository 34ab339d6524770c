import { strict as assert } from 'node:assert';
import { Given, Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

/** Names and kinds are a contract with dashboards. */
const registered: Readonly<Record<string, 'counter' | 'gauge' | 'histogram'>> = {
  tasks_enqueued_total: 'counter',
  tasks_started_total: 'counter',
  tasks_canceled_total: 'counter',
  tasks_rejected_total: 'counter',
  tokens_in_total: 'counter',
  tokens_cached_total: 'counter',
  tokens_out_total: 'counter',
  admission_backpressure_events_total: 'counter',
  catalog_verifications_total: 'counter',
  placement_decisions_total: 'counter',
  queue_depth: 'gauge',
  kv_cache_usage_ratio: 'gauge',
  gpu_utilization: 'gauge',
  vram_used_bytes: 'gauge',
  model_state: 'gauge',
  placement_candidates_considered: 'gauge',
  latency_first_token_ms: 'histogram',
  latency_prompt_ms: 'histogram',
  latency_decode_ms: 'histogram',
};

Given('a metrics endpoint', async function (this: ServiceWorld) {
  await this.service();
});

Then('the response contains Prometheus metrics', function (this: ServiceWorld) {
  assert.match(this.answer.text, /^# HELP \S+ .+$/m);
});

Then('the response includes TYPE headers', function (this: ServiceWorld) {
  assert.match(this.answer.text, /^# TYPE tasks_enqueued_total counter$/m);
});

Then('the response includes pre-registered metrics', function (this: ServiceWorld) {
  const lines = this.answer.text.split('\n');
  for (const [name, kind] of Object.entries(registered)) assert.ok(lines.includes(`# TYPE ${name} ${kind}`), name);
});

Then('tasks_enqueued_total includes labels \\(engine, pool_id, priority)', async function (this: ServiceWorld) {
  for (const priority of ['interactive', 'batch']) {
    assert.equal(await this.metric('tasks_enqueued_total', { engine: 'llamacpp', pool_id: 'default', priority }), 1);
  }
});
