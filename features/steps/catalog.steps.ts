import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const MODELS = '/v2/catalog/models';

Given('a catalog endpoint', async function (this: ServiceWorld) {
  await this.service();
});

Given(/^a model "([^"]+)" exists (?:in catalog|with state Active)$/, async function (this: ServiceWorld, id: string) {
  const answer = await this.request('POST', MODELS, { id, digest: 'sha256:abc123' });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.json()['state'], 'Active');
});

Given('a model {string} does not exist', async function (this: ServiceWorld, _id: string) {
  await this.service();
});

When(
  'I create a model with id {string} and digest {string}',
  async function (this: ServiceWorld, id: string, digest: string) {
    await this.request('POST', MODELS, { id, digest });
  },
);

When('I create a model without an id', async function (this: ServiceWorld) {
  await this.request('POST', MODELS, { digest: 'sha256:abc123' });
});

When('I get model {string}', async function (this: ServiceWorld, id: string) {
  await this.request('GET', `${MODELS}/${id}`);
});

When('I verify model {string}', async function (this: ServiceWorld, id: string) {
  await this.request('POST', `${MODELS}/${id}/verify`);
});

When('I set model state to {word}', async function (this: ServiceWorld, state: string) {
  await this.request('POST', `${MODELS}/llama-3-8b/state`, { state });
});

When('I delete model {string}', async function (this: ServiceWorld, id: string) {
  await this.request('DELETE', `${MODELS}/${id}`);
});

Then('the response includes id and digest', function (this: ServiceWorld) {
  assert.deepEqual([this.json['id'], this.json['digest']], ['llama-3-8b', 'sha256:abc123']);
});

Then('the model is persisted to FsCatalog', async function (this: ServiceWorld) {
  await this.restart('SIGKILL');
  assert.equal((await this.look(`${MODELS}/llama-3-8b`)).json()['digest'], 'sha256:abc123');
});

Then('last_verified_ms is updated', async function (this: ServiceWorld) {
  const model = await this.until(`${MODELS}/llama-3-8b`, entry => entry['last_verified_ms'] !== null);
  assert.ok(Math.abs(Number(model['last_verified_ms']) - Date.now()) < 60_000);
});

Then('the model state is {word}', async function (this: ServiceWorld, state: string) {
  assert.equal((await this.look(`${MODELS}/llama-3-8b`)).json()['state'], state);
});

Then('the model is removed from catalog', async function (this: ServiceWorld) {
  assert.equal((await this.look(`${MODELS}/llama-3-8b`)).status, 404);
});
