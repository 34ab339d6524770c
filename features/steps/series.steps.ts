import { strict as assert } from 'node:assert';
import { Then } from '@cucumber/cucumber';
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
