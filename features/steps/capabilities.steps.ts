import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const CAPABILITIES = '/v2/meta/capabilities';

Given('a Control Plane API endpoint', async function (this: ServiceWorld) {
  await this.service();
});

When('I request capabilities', async function (this: ServiceWorld) {
  await this.request('GET', CAPABILITIES);
});

When('I request capabilities twice', async function (this: ServiceWorld) {
  await this.request('GET', CAPABILITIES);
  await this.request('GET', CAPABILITIES);
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

Given('I have the capabilities', async function (this: ServiceWorld) {
  const { headers } = await this.look(CAPABILITIES);
  this.names.set('etag', String(headers['etag']));
});

When('I request capabilities unless they are what I have', async function (this: ServiceWorld) {
  await this.request('GET', CAPABILITIES, undefined, { 'If-None-Match': this.names.get('etag') });
});

Then(
  'the engine {string} is listed with {int} slots, its context and its features',
  function (this: ServiceWorld, name: string, slots: number) {
    assert.notEqual(this.answer.headers['etag'], this.names.get('etag'));
    const engine = (this.json['engines'] as Record<string, unknown>[]).find(each => each['engine'] === name);
    assert.equal((engine?.['rate_limits'] as Record<string, number>)['slots_total'], slots);
    assert.equal(engine?.['ctx_max'], 4096);
    assert.ok((engine['features'] as string[]).includes('streaming'));
    assert.ok((engine['supported_workloads'] as string[]).includes('completion'));
  },
);

Then('its api_version is the version of the OpenAPI document', async function (this: ServiceWorld) {
  const { info } = (await this.look('/openapi.json')).json<{ info: { version: string } }>();
  assert.equal(this.json['api_version'], info.version);
});
