import { strict as assert } from 'node:assert';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import { authorityFile, tlsFront } from '../../test/support/tls/tls-front';
import { handoffOf } from '../support/handoff';
import type { ServiceWorld } from '../support/world';

function holdKey(world: ServiceWorld, key: string, name: string): void {
  const folder = join(world.folder.path, 'keys');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `${key}\n`);
  world.env['ORCHD_ENGINE_KEYS_DIR'] = folder;
}

/** Every file below a folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

Given('the folder of engine keys holds {string} as {string}', function (this: ServiceWorld, key: string, name: string) {
  holdKey(this, key, name);
});

Given(
  'an engine that wants the key {string} is bound to pool {string} with the key file {string}',
  async function (this: ServiceWorld, apiKey: string, poolId: string, name: string) {
    await this.bound(await this.engine({ apiKey }), poolId, 'r0', { api_key_file: name });
  },
);

Given(
  'an engine that wants the key {string} registers in pool {string} with the key file {string}',
  async function (this: ServiceWorld, apiKey: string, poolId: string, name: string) {
    const { url } = await this.engine({ apiKey });
    await this.register(poolId, 'r0', { url, api_key_file: name });
  },
);

Given('pool {string} is not ready for want of a key', async function (this: ServiceWorld, poolId: string) {
  const health = await this.until(`/v2/pools/${poolId}/health`, view => view['last_error'] !== null);
  assert.equal(health['ready'], false);
  assert.match(String(health['last_error']), /key/);
});

Given(
  'an engine that wants the key {string} leaves a handoff with the key file {string}',
  async function (this: ServiceWorld, apiKey: string, name: string) {
    const { url } = await this.engine({ apiKey });
    this.names.set('file', 'gpu.json');
    this.writeHandoff('gpu.json', { ...handoffOf(url, 'gpu-0', 'r0'), api_key_file: name });
  },
);

Given(
  'an engine that wants the key {string} is named by ORCHD_LLAMACPP_URL with its key file',
  async function (this: ServiceWorld, apiKey: string) {
    const path = join(this.folder.path, 'own.key');
    writeFileSync(path, apiKey);
    const { url } = await this.engine({ apiKey });
    Object.assign(this.env, { ORCHD_LLAMACPP_URL: url, ORCHD_LLAMACPP_API_KEY_FILE: path });
    await this.until('/v2/pools/default', pool => pool['ready'] === true);
  },
);

When('I register a worker with the key file {string}', async function (this: ServiceWorld, name: string) {
  const { url } = await this.engine();
  await this.request('POST', '/v2/workers/register', { url, api_key_file: name });
});

Then('task {string} is served by pool {string}', async function (this: ServiceWorld, taskId: string, poolId: string) {
  await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === true);
  await this.accepted(taskId, { placement: { pin_pool_id: poolId } });
  await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'completed');
});

Then(
  'pool {string} says that a key is set, and nothing says that it is {string}',
  async function (this: ServiceWorld, poolId: string, key: string) {
    const views = await Promise.all(
      [`/v2/pools/${poolId}`, '/v2/workers', '/v2/meta/capabilities', '/metrics'].map(path => this.look(path)),
    );
    const [pool] = views;
    const [replica] = pool?.json<{ replicas: Record<string, unknown>[] }>().replicas ?? [];
    assert.equal(replica?.['api_key_set'], true);
    for (const text of [...views.map(view => view.text), JSON.stringify(this.logged)]) assert.ok(!text.includes(key));
  },
);

Then('no file of the service holds {string} but {string}', function (this: ServiceWorld, key: string, name: string) {
  const holding = filesBelow(this.folder.path).filter(path => holds(path, key));
  assert.deepEqual(
    holding.map(path => path.slice(this.folder.path.length + 1)),
    [join('keys', name)],
  );
});

/** The service may delete a file, such as copied events of a task that has ended, after it was listed. */
function holds(path: string, text: string): boolean {
  try {
    return readFileSync(path).includes(text);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}

Given(
  'the folder of engine keys has a file {string} with the key {string} and the authority of test certificates',
  function (this: ServiceWorld, name: string, key: string) {
    holdKey(this, JSON.stringify({ key, ca_file: 'authority.pem' }), name);
    copyFileSync(authorityFile, join(this.env['ORCHD_ENGINE_KEYS_DIR'] ?? '', 'authority.pem'));
  },
);

Given(
  'the folder of engine keys has a file {string} with the header {string}',
  function (this: ServiceWorld, name: string, header: string) {
    const [field = '', value] = header.split(': ');
    holdKey(this, JSON.stringify({ headers: { [field]: value } }), name);
  },
);

/** An engine behind a front that takes TLS. */
async function behindTls(world: ServiceWorld, apiKey?: string): Promise<string> {
  const engine = await world.engine({ ...(apiKey !== undefined && { apiKey }) });
  const front = await tlsFront(engine.url);
  world.atEnd(() => front.stop());
  return front.url;
}

Given(
  'an engine over https that wants the key {string} is bound to pool {string} with the key file {string}',
  async function (this: ServiceWorld, apiKey: string, poolId: string, name: string) {
    const url = await behindTls(this, apiKey);
    await this.register(poolId, 'r0', { url, engine: 'llamacpp', api_key_file: name });
    await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === true);
  },
);

When(
  'an engine over https registers in pool {string} with the key file {string}',
  async function (this: ServiceWorld, poolId: string, name: string) {
    await this.register(poolId, 'r0', { url: await behindTls(this), engine: 'llamacpp', api_key_file: name });
  },
);

Then(
  'pool {string} is not ready, and says {string}',
  async function (this: ServiceWorld, poolId: string, told: string) {
    const health = await this.until(`/v2/pools/${poolId}/health`, view => view['last_error'] !== null);
    assert.equal(health['ready'], false);
    assert.ok(String(health['last_error']).includes(told), String(health['last_error']));
  },
);

Then('the engine was asked nothing', function (this: ServiceWorld) {
  assert.deepEqual(this.theEngine.stats().requests, []);
});

Given(
  'an engine is named by ORCHD_ENGINE_URLS, with {string} and the key file {string}',
  async function (this: ServiceWorld, path: string, name: string) {
    const { url } = await this.engine();
    this.env['ORCHD_ENGINE_URLS'] = `llamacpp=${url}${path};${name}`;
    await this.until('/v2/pools/llamacpp', pool => pool['ready'] === true);
  },
);

Then('the engine was sent the header {string}', function (this: ServiceWorld, header: string) {
  const [field = '', value] = header.split(': ');
  const request = this.theEngine.stats().requests.find(({ path }) => path === '/completion');
  assert.equal(request?.headers[field.toLowerCase()], value);
});
