import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('a Control Plane API endpoint', async function (this: ServiceWorld) {
  await this.service();
});

When('I request capabilities', async function (this: ServiceWorld) {
  await this.request('GET', '/v2/meta/capabilities');
});

When('I request capabilities twice', async function (this: ServiceWorld) {
  await this.request('GET', '/v2/meta/capabilities');
  await this.request('GET', '/v2/meta/capabilities');
});

Then('the response includes engines array', function (this: ServiceWorld) {
  const engines = this.json['engines'] as Record<string, unknown>[];
  assert.ok(Array.isArray(engines));
  for (const engine of engines) {
    for (const field of ['engine', 'ctx_max', 'supported_workloads', 'features', 'rate_limits'])
      assert.ok(field in engine, field);
  }
});

Then('both responses are identical', function (this: ServiceWorld) {
  const [first, second] = this.answers;
  assert.equal(second?.text, first?.text);
  assert.equal(second?.headers['etag'], first?.headers['etag']);
});

Then('the second response is served from cache', function (this: ServiceWorld) {
  const [first, second] = this.answers;
  assert.equal(first?.headers['x-cache'], 'MISS');
  assert.equal(second?.headers['x-cache'], 'HIT');
});
