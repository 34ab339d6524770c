import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Then('tasks_started_total is {int}', async function (this: ServiceWorld, count: number) {
  assert.equal(
    await this.metric('tasks_started_total', { engine: 'llamacpp', pool_id: 'default', replica_id: 'r0' }),
    count,
  );
});

Then('tokens_out_total of pool {string} is {int}', async function (this: ServiceWorld, poolId: string, tokens: number) {
  assert.equal(
    await this.metric('tokens_out_total', { pool_id: poolId, engine: 'llamacpp', replica_id: 'r0' }),
    tokens,
  );
});

Then(
  'tokens_cached_total is {int} and latency_prompt_ms has one observation',
  async function (this: ServiceWorld, tokens: number) {
    assert.equal(await this.metric('tokens_cached_total', { engine: 'llamacpp', pool_id: 'default' }), tokens);
    assert.equal(await this.metric('latency_prompt_ms_count', { engine: 'llamacpp', priority: 'interactive' }), 1);
  },
);

Then('latency_first_token_ms and latency_decode_ms have one observation each', async function (this: ServiceWorld) {
  for (const name of ['latency_first_token_ms_count', 'latency_decode_ms_count']) {
    assert.equal(await this.metric(name, { engine: 'llamacpp', pool_id: 'default', priority: 'interactive' }), 1);
  }
});

Then('there is no sample of gpu_utilization, vram_used_bytes or kv_cache_usage_ratio', function (this: ServiceWorld) {
  const samples = this.answer.text
    .split('\n')
    .filter(line => /^(gpu_utilization|vram_used_bytes|kv_cache_usage_ratio)\b/.test(line));
  assert.deepEqual(samples, []);
});

const servedBy = ['engine', 'engine_version', 'pool_id', 'replica_id'];
const served = ['engine', 'engine_version', 'pool_id', 'priority'];

/** Dashboards and alerts are written against these. */
const contract: Readonly<Record<string, readonly string[]>> = {
  tasks_enqueued_total: [...servedBy, 'priority'],
  tasks_started_total: [...servedBy, 'priority'],
  tasks_canceled_total: [...servedBy, 'reason'],
  tasks_rejected_total: ['engine', 'reason'],
  tokens_in_total: servedBy,
  tokens_cached_total: servedBy,
  tokens_out_total: servedBy,
  admission_backpressure_events_total: ['engine', 'policy'],
  catalog_verifications_total: ['result', 'reason', 'engine'],
  placement_decisions_total: ['outcome', 'pinned', 'fallback'],
  queue_depth: served,
  kv_cache_usage_ratio: servedBy,
  gpu_utilization: [...servedBy, 'device'],
  vram_used_bytes: [...servedBy, 'device'],
  model_state: ['model_id', 'state'],
  placement_candidates_considered: [],
  latency_first_token_ms: served,
  latency_prompt_ms: served,
  latency_decode_ms: served,
};

/** The names of a sample's metric and labels; `le` and the endings of a histogram's parts are Prometheus' own. */
function readSample(line: string): { metric: string; labels: string[] } {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
  const metric = name.startsWith('latency_') ? name.replace(/_(bucket|sum|count)$/, '') : name;
  return { metric, labels: [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter(l => l !== 'le') };
}

function samplesIn(text: string): { metric: string; labels: string[] }[] {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return lines.map(readSample).filter(({ metric }) => metric in contract);
}

Given(
  'a task has been completed, one cancelled, one refused, and a model verified',
  async function (this: ServiceWorld) {
    await this.accepted('done', { max_tokens: 3 });
    await this.until('/v2/tasks/done', task => task['state'] === 'completed');
    await this.accepted('cancelled', { max_tokens: 500 });
    await this.until('/v2/tasks/cancelled', task => task['state'] === 'streaming');
    await this.accepted('waiting');
    await this.request('POST', '/v2/tasks/cancelled/cancel');
    await this.enqueue({ expected_tokens: 1_000_000 });
    await this.request('POST', '/v2/catalog/models', { id: 'm' });
    await this.request('POST', '/v2/catalog/models/m/verify');
    assert.deepEqual(
      this.answers.splice(0).map(({ status }) => status),
      [204, 429, 201, 202],
    );
  },
);

Then('every sample has exactly the labels of its metric', function (this: ServiceWorld) {
  for (const { metric, labels } of samplesIn(this.answer.text))
    assert.deepEqual(labels.sort(), [...(contract[metric] ?? [])].sort(), metric);
});

Then('there are samples of {string}', function (this: ServiceWorld, metrics: string) {
  const seen = new Set(samplesIn(this.answer.text).map(({ metric }) => metric));
  assert.deepEqual(
    metrics.split(', ').filter(metric => !seen.has(metric)),
    [],
  );
});

When('{int} tasks are pinned to a pool of their own each', async function (this: ServiceWorld, count: number) {
  for (let n = 0; n < count; n++) await this.accepted(`t-${n}`, { placement: { pin_pool_id: `pool-${n}` } });
});

Then(
  'tasks_enqueued_total has counted {int} in at most {int} pools, one of them "other"',
  async function (this: ServiceWorld, count: number, pools: number) {
    const { text } = await this.look('/metrics');
    const found = text.matchAll(/^tasks_enqueued_total\{.*pool_id="([^"]*)"/gm);
    const names = new Set([...found].map(([, name]) => name));
    assert.equal(await this.metric('tasks_enqueued_total'), count);
    assert.ok(names.size <= pools, `${names.size} pools`);
    assert.ok(names.has('other'));
  },
);
