import { strict as assert } from 'node:assert';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const ARTIFACTS = '/v2/artifacts';
const MIB = 1024 * 1024;
const LEVELS = 64;

const outOfBounds: Readonly<Record<string, string>> = {
  'is larger than 1 MiB': JSON.stringify('x'.repeat(MIB)),
  'is nested 65 levels': '['.repeat(LEVELS + 1) + ']'.repeat(LEVELS + 1),
};

async function store(world: ServiceWorld, json: string): Promise<void> {
  await world.request('POST', ARTIFACTS, json, { 'Content-Type': 'application/json' });
}

Given('another artifact with id {string} exists', async function (this: ServiceWorld, name: string) {
  await store(this, JSON.stringify({ name }));
  this.names.set(name, String(this.json['id']));
});

Given('a transcript exists', async function (this: ServiceWorld) {
  await this.accepted('told');
  await this.readTask('told');
  await this.until('/v2/tasks/told', task => task['transcript_artifact_id'] !== undefined);
  this.reading = undefined;
});

Given('the file of artifact {string} has been changed', function (this: ServiceWorld, name: string) {
  const id = this.names.get(name) ?? name;
  const files = readdirSync(this.env['ORCHD_DATA_DIR'] ?? '', { recursive: true, encoding: 'utf8' });
  const file = files.find(path => path.includes(id) && path.endsWith('.json'));
  assert.ok(file, files.join(' '));
  writeFileSync(join(this.env['ORCHD_DATA_DIR'] ?? '', file), '{"items":[1,2,4],"title":"a document"}');
  this.expectedErrors.add('artifact_damaged').add('request_failed');
});

When(/^I store the document (.+)$/, async function (this: ServiceWorld, json: string) {
  await store(this, json);
});

When(/^I store a document that (.+)$/, async function (this: ServiceWorld, fault: string) {
  await store(this, outOfBounds[fault] ?? '');
});

When('I list the artifacts of kind {string}', async function (this: ServiceWorld, kind: string) {
  await this.request('GET', `${ARTIFACTS}?kind=${kind}`);
});

When('I delete artifact {string}', async function (this: ServiceWorld, name: string) {
  await this.request('DELETE', `${ARTIFACTS}/${this.names.get(name) ?? name}`);
});

Then(/^it is read back as (.+)$/, async function (this: ServiceWorld, json: string) {
  const answer = await this.look(`${ARTIFACTS}/${String(this.json['id'])}`);
  assert.deepEqual(answer.json<unknown>(), JSON.parse(json));
});

Then('the list is {string}', function (this: ServiceWorld, names: string) {
  const ids = (this.json['items'] as { id: string }[]).map(({ id }) => id);
  assert.deepEqual(
    ids,
    names.split(', ').map(name => this.names.get(name)),
  );
});

Then('artifact {string} is unknown', async function (this: ServiceWorld, name: string) {
  assert.equal((await this.look(`${ARTIFACTS}/${this.names.get(name) ?? name}`)).status, 404);
});
