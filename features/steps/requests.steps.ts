import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { HttpAnswer } from '../../test/support/http-client';
import type { ServiceWorld } from '../support/world';

const CORRELATION = 'X-Correlation-Id';
const LONGEST = 128;

const unacceptable: Readonly<Record<string, string>> = {
  'is too long': 'x'.repeat(LONGEST + 1),
  'has a space': 'two words',
  'is not ASCII': 'caf\u00e9',
  'is empty': '',
};

Given(
  /^a client request whose X-Correlation-Id (is too long|has a space|is not ASCII|is empty)$/,
  function (this: ServiceWorld, fault: string) {
    this.headers[CORRELATION] = unacceptable[fault];
  },
);

Given('a client request whose X-Correlation-Id has {int} characters', function (this: ServiceWorld, length: number) {
  this.headers[CORRELATION] = '~!'.repeat(length / 2);
});

Then('the response includes the X-Correlation-Id that was sent', function (this: ServiceWorld) {
  assert.equal(this.answer.headers['x-correlation-id'], this.headers[CORRELATION]);
});

const bodies: Readonly<Record<string, readonly [body: string, type: string]>> = {
  'a body that is no JSON': ['{"prompt": ', 'application/json'],
  'a body that is too large': [JSON.stringify({ prompt: 'x'.repeat(2000) }), 'application/json'],
  'a body of another media type': ['<prompt/>', 'application/xml'],
};

When(/^I send (a body .+)$/, async function (this: ServiceWorld, what: string) {
  const [body, type] = bodies[what] ?? [];
  await this.request('POST', '/v2/tasks', body, { 'Content-Type': type });
});

When('I send a request to no route', async function (this: ServiceWorld) {
  await this.request('GET', '/v2/nothing');
});

When(/^I send ([A-Z]+) to (\/\S+)$/, async function (this: ServiceWorld, method: string, path: string) {
  await this.request(method, path);
});

Then('the header {word} is {string}', function (this: ServiceWorld, name: string, value: string) {
  assert.equal(this.answer.headers[name.toLowerCase()], value);
});

When('I send bytes that are no request', async function (this: ServiceWorld) {
  const service = await this.service();
  const { status, headers, body: text } = await service.rawRequest('GET / HTTP/1.1\r\nno header\r\n\r\n');
  const answer: HttpAnswer = { status, headers, text, json: <T>() => JSON.parse(text) as T };
  this.answers.push(answer);
});

Then('the envelope has the same correlation id', function (this: ServiceWorld) {
  assert.equal(this.json['correlation_id'], this.answer.headers['x-correlation-id']);
});

When(/^I get (\/\w*)$/, async function (this: ServiceWorld, path: string) {
  await this.request('GET', path);
});

Then('the response has no body', function (this: ServiceWorld) {
  assert.equal(this.answer.text, '');
});
