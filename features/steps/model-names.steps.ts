import { strict as assert } from 'node:assert';
import { Given, Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given(
  'a vLLM engine with the model {string} is bound to pool {string}',
  async function (this: ServiceWorld, model: string, poolId: string) {
    await this.bound(await this.engine({ wire: 'vllm', model }), poolId, 'r0', { engine: 'vllm', slots_total: 4 });
  },
);

Given('the engine in pool {string} has stopped', async function (this: ServiceWorld, poolId: string) {
  await this.lastEngine.stop();
  await this.until(`/v2/pools/${poolId}/health`, ({ ready }) => ready === false);
});

Then('it is answered as {string}', function (this: ServiceWorld, model: string) {
  const { text } = this.answer;
  const models = [...text.matchAll(/"model":"([^"]*)"/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(models)], [model], text);
});

Then('the engine was asked for the model {string}', function (this: ServiceWorld, model: string) {
  assert.equal((this.theEngine.stats().requests.at(-1)?.body as { readonly model: string }).model, model);
});

Then('it was run in pool {string}', function (this: ServiceWorld, poolId: string) {
  assert.equal(this.answer.headers['x-orchd-pool'], poolId);
});
