import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const healthOf = (poolId: string): string => `/v2/pools/${poolId}/health`;

Given('pool {string} drains', async function (this: ServiceWorld, poolId: string) {
  await this.request('POST', `/v2/pools/${poolId}/drain`);
  assert.equal(this.answer.status, 202);
});

When(
  'I drain pool {string} with a deadline of {int} ms',
  async function (this: ServiceWorld, poolId: string, deadlineMs: number) {
    await this.request('POST', `/v2/pools/${poolId}/drain`, { deadline_ms: deadlineMs });
    assert.equal(this.answer.status, 202);
  },
);

When('I undrain pool {string}', async function (this: ServiceWorld, poolId: string) {
  await this.request('POST', `/v2/pools/${poolId}/undrain`);
});

Then('the engine is ready in pool {string}, which still drains', async function (this: ServiceWorld, poolId: string) {
  const { draining, ready } = await this.until(`/v2/pools/${poolId}`, pool =>
    ((pool['replicas'] ?? []) as Record<string, unknown>[]).some(replica => replica['ready'] === true),
  );
  assert.deepEqual([draining, ready], [true, false]);
});

Given('the pool has loaded {string}', async function (this: ServiceWorld, model: string) {
  await this.request('POST', `/v2/pools/${this.poolId}/reload`, { new_model_ref: model });
  assert.equal(this.answer.status, 200, this.answer.text);
  await this.until(healthOf(this.poolId), view => view['ready'] === true);
});

When('I reload pool {string} with {string}', async function (this: ServiceWorld, poolId: string, model: string) {
  // What it loads is not loaded before the pool has been seen meanwhile.
  for (const engine of this.engines) engine.control({ faults: { 'stall-load': Infinity } });
  const reload = this.request('POST', `/v2/pools/${poolId}/reload`, { new_model_ref: model });
  let done = false;
  void reload.finally(() => (done = true));
  while (!done) {
    const { ready } = (await this.look(healthOf(poolId))).json();
    if (ready !== false) continue;
    this.names.set('unready', poolId);
    for (const engine of this.engines) engine.control({ faults: {} });
  }
  await reload;
});

Then('the pool was not ready meanwhile', function (this: ServiceWorld) {
  assert.equal(this.names.get('unready'), this.poolId);
});

Then(
  'the model_state of {string} is loaded, and that of {string} is not',
  async function (this: ServiceWorld, loaded: string, unloaded: string) {
    assert.equal(await this.metric('model_state', { model_id: loaded, state: 'loaded' }), 1);
    assert.equal(await this.metric('model_state', { model_id: unloaded, state: 'loaded' }), 0);
  },
);

Then('the pool is ready again with {string}', async function (this: ServiceWorld, model: string) {
  await this.until(healthOf(this.poolId), view => view['ready'] === true);
  assert.equal(await this.metric('model_state', { model_id: model, state: 'loaded' }), 1);
  await this.accepted('after', { model_ref: model, placement: { pin_pool_id: this.poolId } });
  await this.until('/v2/tasks/after', task => task['state'] === 'completed');
});

Then('the pool is not ready, and says why', function (this: ServiceWorld) {
  assert.equal(this.json['ready'], false);
  assert.ok(String(this.json['last_error']).length > 5);
});

Then('the pool shows the slot as being released', async function (this: ServiceWorld) {
  const { metrics, replicas } = (await this.look(healthOf(this.poolId))).json();
  assert.deepEqual(metrics, { queue_depth: 1, slots_total: 1, slots_free: 0, running: 0, releasing: 1 });
  assert.equal((replicas as Record<string, unknown>[])[0]?.['releasing'], 1);
});

Then('its replica is shown as ready and sleeping', async function (this: ServiceWorld) {
  const health = await this.until(healthOf(this.poolId), view =>
    (view['replicas'] as Record<string, unknown>[]).some(replica => replica['sleeping'] === true),
  );
  assert.equal(health['ready'], true);
});

Then('a task that is submitted then is completed', async function (this: ServiceWorld) {
  await this.accepted('then');
  await this.until('/v2/tasks/then', task => task['state'] === 'completed');
});

Then('the pool is gone', async function (this: ServiceWorld) {
  await this.until(`/v2/pools/${this.poolId}`, answer => answer['code'] === 'POOL_NOT_FOUND');
});

Then(
  'the pool has {int} free slot and a queue_depth of {int}',
  async function (this: ServiceWorld, free: number, depth: number) {
    const health = healthOf(this.poolId);
    await this.until(health, view => (view['metrics'] as Record<string, number>)['slots_free'] === free);
    assert.equal(((await this.look(health)).json()['metrics'] as Record<string, number>)['queue_depth'], depth);
    assert.equal(await this.metric('queue_depth'), depth);
  },
);

When('I register a worker at {string}', async function (this: ServiceWorld, url: string) {
  await this.request('POST', '/v2/workers/register', { url });
});

When(
  'that engine registers in pool {string} with its address spelt otherwise',
  async function (this: ServiceWorld, poolId: string) {
    const engine = this.lastEngine;
    await this.request('POST', '/v2/workers/register', {
      pool_id: poolId,
      url: `${engine.url.replace('http', 'HTTP')}/v1/`,
    });
  },
);

Then(
  'pool {string} has {int} slots and pool {string} is not there',
  async function (this: ServiceWorld, poolId: string, slots: number, absent: string) {
    const { metrics } = (await this.look(`/v2/pools/${poolId}`)).json<{ metrics: Record<string, number> }>();
    assert.equal(metrics['slots_total'], slots);
    assert.equal((await this.look(`/v2/pools/${absent}`)).status, 404);
  },
);
