import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const MODELS = '/v2/catalog/models';

function pathOf(world: ServiceWorld, file: string): string {
  return join(world.env['ORCHD_MODELS_DIR'] ?? '', file);
}

async function describe(world: ServiceWorld, id: string, model: Record<string, unknown> = {}): Promise<void> {
  const answer = await world.request('POST', MODELS, { id, ...model });
  world.answers.pop();
  assert.equal(answer.status, 201, answer.text);
  world.names.set('model', id);
}

Given('the model file {string} holds {string}', function (this: ServiceWorld, file: string, content: string) {
  writeFileSync(pathOf(this, file), content);
  this.names.set('model file', file);
});

Given(
  /^a model "([^"]+)" with that file and (its|another) digest is in the catalogue$/,
  async function (this: ServiceWorld, id: string, whose: string) {
    const file = this.names.get('model file') ?? '';
    const content = whose === 'its' ? readFileSync(pathOf(this, file)) : 'something else';
    await describe(this, id, {
      local_path: file,
      digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
    });
  },
);

Given('a model {string} is retired', async function (this: ServiceWorld, id: string) {
  await describe(this, id);
  const answer = await this.request('POST', `${MODELS}/${id}/state`, { state: 'Retired' });
  assert.equal(answer.status, 202);
});

Given('its verification has failed', async function (this: ServiceWorld) {
  const id = this.names.get('model') ?? '';
  const answer = await this.request('POST', `${MODELS}/${id}/verify`);
  assert.equal(answer.status, 202);
  const model = await this.until(`${MODELS}/${id}`, entry => entry['verification'] !== undefined);
  assert.equal((model['verification'] as Record<string, unknown>)['result'], 'failed');
});

When('I retire model {string} in {int} ms', async function (this: ServiceWorld, id: string, deadlineMs: number) {
  await this.request('POST', `${MODELS}/${id}/state`, { state: 'Retired', deadline_ms: deadlineMs });
});

Then('its verification is {word} with {word}', async function (this: ServiceWorld, result: string, reason: string) {
  assert.equal(this.answer.status, 202);
  const id = String(this.json['id']);
  const model = await this.until(`${MODELS}/${id}`, entry => entry['verification'] !== undefined);
  assert.deepEqual(model['verification'], { result, reason });
});

Then('catalog_verifications_total has counted {word}', async function (this: ServiceWorld, result: string) {
  assert.equal(await this.metric('catalog_verifications_total', { result }), 1);
});

Then('a task for model {string} is accepted', async function (this: ServiceWorld, id: string) {
  await this.accepted('for-model', { model_ref: id });
});

Then('the state {string} is refused', async function (this: ServiceWorld, state: string) {
  const answer = await this.request('POST', `${MODELS}/old-model/state`, { state });
  assert.equal(answer.status, 400);
  assert.ok(answer.text.includes('Active, Retired'));
});

Then('the model file {string} is gone', function (this: ServiceWorld, file: string) {
  assert.equal(existsSync(pathOf(this, file)), false);
});
