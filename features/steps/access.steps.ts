import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';
import { LAST_RESORT_MS } from '../../test/support/deadline';

/** A test that waits this long for what should come within seconds has found a fault. */

function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 6);
}

async function myKey(world: ServiceWorld): Promise<string> {
  return `key:${fingerprint((await world.service()).apiKey)}`;
}

When('I make {int} requests to \\/v2\\/tasks', async function (this: ServiceWorld, count: number) {
  for (let n = 0; n < count; n++) await this.look('/v2/tasks');
});

When(
  /^I call (POST|DELETE) (\S+) with (\{.*\}|nothing)$/,
  async function (this: ServiceWorld, method: string, path: string, body: string) {
    await this.request(method, path, body === 'nothing' ? undefined : (JSON.parse(body) as object));
  },
);

When('I request what is there and what is not', async function (this: ServiceWorld) {
  for (const path of ['/v2/tasks/t-1', '/v2/tasks/none', '/healthz', '/none', '/v2/none?x=1']) await this.look(path);
  await this.request('DELETE', '/healthz');
});

Then(
  /^the log tells that "(\S+) (\S+)" was refused as (\w+) to the (key|token) "(.+)"$/,
  async function (this: ServiceWorld, method: string, route: string, reason: string, kind: string, secret: string) {
    const line = await this.waitForLog(({ event }) => event === 'access_refused');
    const name = { key: 'key', token: 'identity' }[kind] ?? '';
    assert.deepEqual(
      { ...line, time: undefined, human: undefined, correlation_id: undefined },
      {
        ...{ level: 'warn', time: undefined, human: undefined, correlation_id: undefined, event: 'access_refused' },
        ...{ method, route, reason, remote: '127.0.0.1' },
        // A worker's request has a key beside its token here.
        ...(kind === 'token' && { key: await myKey(this) }),
        [name]: `${kind}:${fingerprint(secret)}`,
      },
    );
    assert.equal(line['correlation_id'], this.answer.headers['x-correlation-id']);
  },
);

Then(
  'the log tells of fewer than {int} refusals, and the metrics of all {int}',
  async function (this: ServiceWorld, most: number, all: number) {
    const { text } = await this.look('/metrics');
    assert.match(
      text,
      new RegExp(`^http_requests_total\\{route="/v2/tasks",method="GET",status="401"\\} ${all}$`, 'm'),
    );
    const told = this.logged.filter(({ event }) => event === 'access_refused').length;
    assert.ok(told > 0 && told < most, String(told));
    const service = await this.service();
    const more = await service.waitForLog(({ event }) => event === 'access_refusals_withheld', LAST_RESORT_MS);
    assert.ok(Number(more['requests']) > all - most, JSON.stringify(more));
  },
);

Then(
  /^the log tells the act (\w+) on "(.*)", which went (\w+), by the fingerprint of my key$/,
  async function (this: ServiceWorld, act: string, subject: string, outcome: string) {
    const line = await this.waitForLog(({ event }) => event === 'administrative_act');
    const { level, key, remote } = line;
    assert.deepEqual(
      { level, key, remote, act: line['act'], subject: line['subject'] ?? '', outcome: line['outcome'] },
      { level: 'info', key: await myKey(this), remote: '127.0.0.1', act, subject, outcome },
    );
    assert.equal(line['correlation_id'], this.answer.headers['x-correlation-id']);
  },
);

Then('http_requests_total counts them by route, method and status', async function (this: ServiceWorld) {
  const counted = async (route: string, method: string, status: string): Promise<number> =>
    this.metric('http_requests_total', { route, method, status });
  assert.equal(await counted('/v2/tasks/{id}', 'GET', '200'), 1);
  assert.equal(await counted('/v2/tasks/{id}', 'GET', '404'), 1);
  assert.equal(await counted('/v2/tasks', 'POST', '202'), 1);
  assert.equal(await counted('/healthz', 'GET', '200'), 1);
  assert.equal(await counted('unmatched', 'GET', '404'), 2);
  assert.equal(await counted('unmatched', 'DELETE', '405'), 1);
});

Then('http_request_duration_ms has the stream, though it has not ended', async function (this: ServiceWorld) {
  const labels = { route: '/v2/tasks/{id}/events', method: 'GET' };
  assert.equal(await this.metric('http_request_duration_ms_count', labels), 1);
  assert.equal(await this.metric('http_request_duration_ms_bucket', { ...labels, le: '+Inf' }), 1);
  assert.equal(await this.state('t-1'), 'streaming');
});

Then(
  /^the log says that "(.+)" is unbound because of (\w+)(, by the fingerprint of my key)?$/,
  async function (this: ServiceWorld, name: string, reason: string, byKey: string | null) {
    const line = await this.waitForLog(({ event }) => event === 'replica_unbound');
    assert.equal(`${String(line['pool_id'])}/${String(line['replica_id'])}`, name);
    assert.deepEqual([line['reason'], line['by']], [reason, byKey === null ? undefined : await myKey(this)]);
  },
);
