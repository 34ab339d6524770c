import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('a pool {string} exists', async function (this: ServiceWorld, poolId: string) {
  await this.register(poolId, 'r0');
});

Given('a pool {string} does not exist', async function (this: ServiceWorld, poolId: string) {
  assert.equal((await this.look(`/v2/pools/${poolId}`)).status, 404);
});

Given('a pool {string} is not ready', async function (this: ServiceWorld, poolId: string) {
  await this.register(poolId, 'r0');
  await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === false);
});

Given('a pool {string} is ready with slots_free > 0', async function (this: ServiceWorld, poolId: string) {
  const { url } = await this.engine();
  await this.register(poolId, 'r0', { url });
  await this.until(
    `/v2/pools/${poolId}/health`,
    health => health['ready'] === true && Number((health['metrics'] as Record<string, number>)['slots_free']) > 0,
  );
});

Given('an adapter is bound to pool {string}', async function (this: ServiceWorld, poolId: string) {
  const { replicas } = await this.until(`/v2/pools/${poolId}`, pool => Array.isArray(pool['replicas']));
  assert.equal((replicas as Record<string, unknown>[])[0]?.['engine'], 'llamacpp');
});

When('I request pool health for {string}', async function (this: ServiceWorld, poolId: string) {
  await this.request('GET', `/v2/pools/${poolId}/health`);
});

When('I request pool drain with deadline_ms {int}', async function (this: ServiceWorld, deadlineMs: number) {
  await this.request('POST', `/v2/pools/${this.poolId}/drain`, { deadline_ms: deadlineMs });
});

When('I request pool reload with new_model_ref {string}', async function (this: ServiceWorld, model: string) {
  this.names.set('model', model);
  await this.request('POST', `/v2/pools/${this.poolId}/reload`, { new_model_ref: model });
});

When('I request pool purge', async function (this: ServiceWorld) {
  await this.request('POST', `/v2/pools/${this.poolId}/purge`, {});
});

Then('the response includes metrics', function (this: ServiceWorld) {
  assert.equal(typeof (this.json['metrics'] as Record<string, unknown>)['queue_depth'], 'number');
});

Then('the response shows live=true and ready=true \\(defaults)', function (this: ServiceWorld) {
  assert.deepEqual([this.json['live'], this.json['ready'], this.json['draining']], [true, true, false]);
});

Then('the pool is marked as draining', async function (this: ServiceWorld) {
  assert.equal((await this.look(`/v2/pools/${this.poolId}/health`)).json()['draining'], true);
});

Then('the model_state metric is updated', async function (this: ServiceWorld) {
  assert.equal(await this.metric('model_state', { model_id: this.names.get('model') ?? '', state: 'loaded' }), 1);
});

Then(/^its metrics are (\{.*\})$/, function (this: ServiceWorld, expected: string) {
  assert.deepEqual(this.json['metrics'], JSON.parse(expected));
});
