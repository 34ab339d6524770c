import { strict as assert } from 'node:assert';
import { gzipSync } from 'node:zlib';
import { Given, Then, When } from '@cucumber/cucumber';
import type { HttpAnswer } from '../../test/support/http-client';
import type { HttpMessage } from '../../test/support/http-message';
import { SlowRequest } from '../../test/support/slow-request';
import type { ServiceWorld } from '../support/world';

const MIB = 1024 * 1024;
const json = 'application/json';

async function open(world: ServiceWorld): Promise<SlowRequest> {
  const request = await SlowRequest.open((await world.service()).url);
  world.atEnd(() => Promise.resolve(request.destroy()));
  return request;
}

function answerOf({ status, headers, body: text }: HttpMessage): HttpAnswer {
  return { status, headers, text, json: <T>() => JSON.parse(text) as T };
}

function headOf(path: string, length: number, headers: Readonly<Record<string, string>>): string {
  const lines = { Host: 'x', 'Content-Type': json, 'Content-Length': String(length), ...headers };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${text.join('')}\r\n`;
}

const heads: Readonly<Record<string, readonly [path: string, headers: Readonly<Record<string, string>>]>> = {
  'a task without a key': ['/v2/tasks', {}],
  'a registration without a token': ['/v2/workers/register', {}],
  'a registration with a wrong token': ['/v2/workers/register', { Authorization: 'Bearer nope' }],
};

When(/^I send only the head of (a .+)$/, async function (this: ServiceWorld, what: string) {
  const [path, headers] = heads[what] ?? assert.fail(what);
  const request = await open(this);
  await request.send(headOf(path, MIB, headers));
  this.answers.push(answerOf(await request.answer()));
});

When(
  '{int} clients each send the first {int} bytes of a task and no more',
  async function (this: ServiceWorld, clients: number, bytes: number) {
    const { apiKey } = await this.service();
    const begun: SlowRequest[] = [];
    for (let n = 0; n < clients; n++) {
      const request = await open(this);
      await request.send(headOf('/v2/tasks', MIB, { 'X-API-Key': apiKey }));
      await request.send(Buffer.alloc(bytes, ' '));
      begun.push(request);
    }
    this.answers.push(answerOf(await Promise.any(begun.map(request => request.answer()))));
  },
);

Then(/^one of them is refused with (\d{3}) ([A-Z_]+)$/, function (this: ServiceWorld, status: string, code: string) {
  assert.deepEqual([this.answer.status, this.json['code']], [Number(status), code]);
});

Then('a small task is accepted', async function (this: ServiceWorld) {
  await this.accepted('small');
});

Given('a client that has sent half a task', async function (this: ServiceWorld) {
  const { apiKey } = await this.service();
  this.slow = await open(this);
  await this.slow.send(headOf('/v2/tasks', 100, { 'X-API-Key': apiKey, Expect: '100-continue' }));
  // Now its body is being read.
  await this.slow.textWith('100 Continue');
  await this.slow.send('{"prompt":');
});

When('the service is told to stop', function (this: ServiceWorld) {
  this.stopping = this.restart('SIGTERM');
});

Then(
  /^the client is refused with (\d{3}) ([A-Z_]+)$/,
  async function (this: ServiceWorld, status: string, code: string) {
    const text = await this.slow?.textWith(code);
    assert.ok(text?.includes(`HTTP/1.1 ${status} `), text);
  },
);

Then('the service ends in order', async function (this: ServiceWorld) {
  // Rejects where it had to be killed.
  await this.stopping;
});

When('I send a task and close my side of the connection', async function (this: ServiceWorld) {
  const { apiKey } = await this.service();
  const body = JSON.stringify({ prompt: 'Say hello.' });
  const request = await open(this);
  await request.send(headOf('/v2/tasks', body.length, { 'X-API-Key': apiKey }) + body);
  request.end();
  this.answers.push(answerOf(await request.answer()));
});

Then('the answer is one line of JSON', function (this: ServiceWorld) {
  assert.match(this.answer.text, /^[^\n]+\n$/);
  assert.equal(typeof this.json, 'object');
});

const refused: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  'without a key': { 'X-API-Key': undefined },
  'that is too large': {},
  'of another media type': { 'Content-Type': 'application/xml' },
};

When(/^I send all of a body of (\d+) MiB (.+)$/, async function (this: ServiceWorld, mib: string, how: string) {
  const headers = refused[how] ?? assert.fail(how);
  await this.request('POST', '/v2/tasks', Buffer.alloc(Number(mib) * MIB, ' '), { 'Content-Type': json, ...headers });
});

When('I submit a task whose prompt is not UTF-8', async function (this: ServiceWorld) {
  const body = Buffer.from('{"prompt":"caf\u00e9"}', 'latin1');
  await this.request('POST', '/v2/tasks', body, { 'Content-Type': json });
});

When('I submit a task that is compressed with gzip', async function (this: ServiceWorld) {
  const body = gzipSync('{"prompt":"Say hello."}');
  await this.request('POST', '/v2/tasks', body, { 'Content-Type': json, 'Content-Encoding': 'gzip' });
});

const tooMuch: readonly (readonly [RegExp, (count: number) => string])[] = [
  [/^(\d+) unknown members$/, count => Array.from({ length: count }, (_, n) => `"k${n}":1`).join(',')],
  [/^a list of (\d+) texts$/, count => `"list":[${Array.from({ length: count }, () => '""').join(',')}]`],
  [/^a list of (\d+) numbers$/, count => `"list":[${Array.from({ length: count }, () => '0').join(',')}]`],
  [/^a list of (\d+) lists$/, count => `"list":[${Array.from({ length: count }, () => '[]').join(',')}]`],
  [/^a list of (\d+) fractions$/, count => `"list":[${Array.from({ length: count }, () => '0.5').join(',')}]`],
  [/^lists (\d+) levels deep$/, count => `"list":${'['.repeat(count)}${']'.repeat(count)}`],
];

When(
  /^I submit a task with (\d+ unknown members|a list of \d+ \w+|lists \d+ levels deep)$/,
  async function (this: ServiceWorld, what: string) {
    const [pattern, members] = tooMuch.find(([each]) => each.test(what)) ?? assert.fail(what);
    const body = `{"prompt":"x","ctx":-1,${members(Number(pattern.exec(what)?.[1]))}}`;
    await this.request('POST', '/v2/tasks', body, { 'Content-Type': json });
  },
);
