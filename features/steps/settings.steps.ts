import { strict as assert } from 'node:assert';
import { resolve } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import { Child } from '../../test/support/child';
import type { ServiceWorld } from '../support/world';

const starts = new WeakMap<ServiceWorld, Child>();

Given('the setting {word} is {string}', function (this: ServiceWorld, name: string, value: string) {
  this.env[name] = value;
});

When('the service is started', function (this: ServiceWorld) {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: this.folder.path,
    ORCHD_ADDR: '127.0.0.1:0',
    ORCHD_API_KEYS: 'test-key',
    ...this.env,
  };
  const child = new Child({ args: [resolve('dist/main.js')], env, cwd: this.folder.path });
  this.atEnd(() => child.stop('SIGKILL'));
  starts.set(this, child);
});

Then('it stops and says {string}', async function (this: ServiceWorld, text: string) {
  const child = starts.get(this);
  assert.deepEqual(await child?.exited, { code: 1, signal: null });
  assert.ok(child?.errors.join('\n').includes(text), child?.errors.join('\n'));
});

Then('it listens on {string}', async function (this: ServiceWorld, host: string) {
  assert.ok((await this.service()).url.includes(host));
});
