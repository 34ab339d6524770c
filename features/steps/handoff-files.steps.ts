import { strict as assert } from 'node:assert';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import { handoffOf } from '../support/handoff';
import type { ServiceWorld } from '../support/world';

const bad: Readonly<Record<string, unknown>> = {
  'partial.json': '{"url": "http://127.0.0.1',
  'huge.json': 'x'.repeat(100_000),
  'foreign.json': { hello: 'world' },
  'hostile.json': { url: 'http://169.254.169.254/', pool_id: 'p', replica_id: 'r' },
};

Given('handoff files that are partial, huge, foreign and links', function (this: ServiceWorld) {
  for (const [file, content] of Object.entries(bad)) this.writeHandoff(file, content);
  const outside = join(this.folder.path, 'outside.json');
  writeFileSync(outside, '{}');
  symlinkSync(outside, join(this.env['ORCHD_RUNTIME_DIR'] ?? '', 'link.json'));
});

Given(
  'the handoff folder is a mounted ConfigMap whose file begins with a byte order mark',
  async function (this: ServiceWorld) {
    const folder = this.env['ORCHD_RUNTIME_DIR'] ?? '';
    const { url } = await this.engine();
    const handoff = JSON.stringify(handoffOf(url.replace('http', 'HTTP'), 'gpu-0', 'r0'));
    mkdirSync(join(folder, '..2026_11_25'));
    writeFileSync(join(folder, '..2026_11_25', 'gpu.json'), `\ufeff${handoff}`);
    symlinkSync('..2026_11_25', join(folder, '..data'));
    symlinkSync('..data/gpu.json', join(folder, 'gpu.json'));
    this.names.set('pool', 'gpu-0');
    this.names.set('file', 'gpu.json');
  },
);

Given('the handoff watcher has bound it', async function (this: ServiceWorld) {
  await this.waitForLog(({ event }) => event === 'autobind');
});

When('I remove the handoff file', function (this: ServiceWorld) {
  rmSync(join(this.env['ORCHD_RUNTIME_DIR'] ?? '', this.names.get('file') ?? ''));
});

Given('the handoff folder is removed', function (this: ServiceWorld) {
  rmSync(this.env['ORCHD_RUNTIME_DIR'] ?? '', { recursive: true });
});

Then('each of the bad files is ignored with a reason and one line', async function (this: ServiceWorld) {
  const states = (list: Record<string, unknown>): unknown[] =>
    (list['items'] as Record<string, unknown>[]).map(item => item['state']);
  const list = await this.until('/v2/handoff', found => !states(found).includes('waiting'));
  const items = list['items'] as Record<string, unknown>[];
  await Promise.all(
    [...Object.keys(bad), 'link.json'].map(file =>
      this.waitForLog(line => line['event'] === 'handoff_ignored' && line['file'] === file),
    ),
  );
  const logged = (await this.service()).logs().filter(line => line['event'] === 'handoff_ignored');
  for (const file of [...Object.keys(bad), 'link.json']) {
    const item = items.find(each => each['file'] === file);
    assert.equal(item?.['state'], 'ignored', file);
    assert.ok(String(item['reason']).length > 5);
    assert.equal(logged.filter(line => line['file'] === file).length, 1, file);
  }
});

Given('a partial handoff file has been ignored', async function (this: ServiceWorld) {
  this.names.set('file', 'late.json');
  this.writeHandoff('late.json', bad['partial.json']);
  await this.waitForLog(({ event }) => event === 'handoff_ignored');
});

Given('its engine is gone', async function (this: ServiceWorld) {
  await this.theEngine.stop();
  await this.until(`/v2/pools/${this.poolId}/health`, health => health['live'] === false);
});

When('the handoff file brings the address of another engine', async function (this: ServiceWorld) {
  const { url } = await this.engine();
  this.writeHandoff(this.names.get('file') ?? '', handoffOf(url, 'gpu-0', 'r0'));
});

Then(
  'task {string} pinned to {string} is served by the other engine',
  async function (this: ServiceWorld, taskId: string, poolId: string) {
    await this.until(`/v2/pools/${poolId}/health`, health => health['live'] === true && health['ready'] === true);
    // An unknown pool is ready by definition; a binding is not.
    await this.until(`/v2/pools/${poolId}`, pool => ((pool['replicas'] ?? []) as unknown[]).length === 1);
    await this.accepted(taskId, { placement: { pin_pool_id: poolId } });
    await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'completed');
    assert.equal(this.lastEngine.stats().finished, 1);
  },
);
