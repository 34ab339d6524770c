import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import { eventually, LAST_RESORT_MS } from '../../test/support/deadline';
import type { ServiceWorld } from '../support/world';

const VERSION = '/v2/meta/version';

async function statusWith(world: ServiceWorld, key: string): Promise<number> {
  const { status } = await world.request('GET', VERSION, undefined, { 'X-API-Key': key });
  world.answers.pop();
  return status;
}

function writeKeys(world: ServiceWorld, key: string): void {
  const file = join(world.folder.path, 'keys');
  writeFileSync(`${file}.new`, `# keys\n${key}\n`);
  renameSync(`${file}.new`, file);
}

Given('the key file has the key {string}', function (this: ServiceWorld, key: string) {
  writeKeys(this, key);
  this.env['ORCHD_API_KEYS'] = '';
  this.env['ORCHD_API_KEYS_FILE'] = join(this.folder.path, 'keys');
});

When('the key file has the key {string} instead', function (this: ServiceWorld, key: string) {
  writeKeys(this, key);
});

When('I ask for the version with key {string}', async function (this: ServiceWorld, key: string) {
  await this.request('GET', VERSION, undefined, { 'X-API-Key': key });
});

When(
  'I ask for the version with key {string} under the host name {string}',
  async function (this: ServiceWorld, key: string, host: string) {
    await this.request('GET', VERSION, undefined, { 'X-API-Key': key, Host: host });
  },
);

Then('a request with key {string} is let in', async function (this: ServiceWorld, key: string) {
  assert.equal(await statusWith(this, key), 200);
});

Then('a request with key {string} is let in before long', async function (this: ServiceWorld, key: string) {
  await eventually(
    () => statusWith(this, key),
    status => status === 200,
    LAST_RESORT_MS,
  );
});

Then(
  'a request with key {string} is refused with {int}',
  async function (this: ServiceWorld, key: string, status: number) {
    assert.equal(await statusWith(this, key), status);
  },
);

Then('the log names the identity of {string}', async function (this: ServiceWorld, token: string) {
  const identity = `token:${createHash('sha256').update(token).digest('hex').slice(0, 6)}`;
  await this.waitForLog(line => line['identity'] === identity);
});
