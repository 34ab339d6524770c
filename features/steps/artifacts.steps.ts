import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const ARTIFACTS = '/v2/artifacts';
const document = { title: 'a document', items: [1, 2, 3] };

Given('an artifacts endpoint', async function (this: ServiceWorld) {
  await this.service();
});

Given('an artifact with id {string} exists', async function (this: ServiceWorld, name: string) {
  const answer = await this.request('POST', ARTIFACTS, document);
  // No document has this hash; the scenario's name stands for the real one.
  this.names.set(name, String(answer.json()['id']));
});

Given('an artifact with id {string} does not exist', async function (this: ServiceWorld, _name: string) {
  await this.service();
});

When(/^I create an artifact with document (\{.*\})$/, async function (this: ServiceWorld, text: string) {
  await this.request('POST', ARTIFACTS, JSON.parse(text));
});

When('I create the same artifact twice', async function (this: ServiceWorld) {
  await this.request('POST', ARTIFACTS, { a: 1, b: [true, null] });
  await this.request('POST', ARTIFACTS, { b: [true, null], a: 1.0 });
});

When('I get artifact {string}', async function (this: ServiceWorld, name: string) {
  await this.request('GET', `${ARTIFACTS}/${this.names.get(name) ?? name}`);
});

Then('the response includes id \\(SHA-256 hash)', function (this: ServiceWorld) {
  assert.equal(this.json['id'], createHash('sha256').update('{"key":"value"}').digest('hex'));
});

Then('the artifact is persisted', async function (this: ServiceWorld) {
  const id = String(this.json['id']);
  await this.restart('SIGKILL');
  assert.deepEqual((await this.look(`${ARTIFACTS}/${id}`)).json(), { key: 'value' });
});

Then('the response is the artifact document', function (this: ServiceWorld) {
  assert.deepEqual(this.json, document);
});

Then('both requests return the same id', async function (this: ServiceWorld) {
  const ids = this.answers.map(answer => answer.json()['id']);
  assert.equal(ids[0], ids[1]);
  assert.equal((await this.look(ARTIFACTS)).json<{ items: unknown[] }>().items.length, 1);
});
