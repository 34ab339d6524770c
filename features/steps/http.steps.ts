import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Given('a client request with X-Correlation-Id header {string}', function (this: ServiceWorld, id: string) {
  this.headers['X-Correlation-Id'] = id;
});

Given('a client request without X-Correlation-Id header', function (this: ServiceWorld) {
  delete this.headers['X-Correlation-Id'];
});

When('I make a request to any endpoint', async function (this: ServiceWorld) {
  await this.request('GET', '/v2/meta/version');
});

When('I make a request to \\/v2\\/tasks', async function (this: ServiceWorld) {
  await this.enqueue();
});

When(/^I (?:make a )?request (?:to )?\/metrics$/, async function (this: ServiceWorld) {
  await this.request('GET', '/metrics');
});

Then(/^I receive (\d{3}) [A-Z][A-Za-z ]+$/, function (this: ServiceWorld, status: string) {
  const seen = this.reading && this.answers.length === 0 ? this.reading.status : this.answer.status;
  assert.equal(seen, Number(status), this.answers.at(-1)?.text);
});

Then('the response includes X-Correlation-Id header {string}', function (this: ServiceWorld, id: string) {
  assert.equal(this.answer.headers['x-correlation-id'], id);
});

Then('the response includes X-Correlation-Id header', function (this: ServiceWorld) {
  assert.ok(this.answer.headers['x-correlation-id']);
});

Then('the response includes a generated X-Correlation-Id header', function (this: ServiceWorld) {
  assert.ok(this.answer.headers['x-correlation-id']);
});

Then('the correlation ID is a valid UUIDv4', function (this: ServiceWorld) {
  assert.match(String(this.answer.headers['x-correlation-id']), uuidV4);
});

Then(/^correlation ID is present(?: in headers)?$/, function (this: ServiceWorld) {
  const headers = this.reading?.headers ?? this.answer.headers;
  assert.match(String(headers['x-correlation-id']), uuidV4);
});

Then('the {word} header is present', function (this: ServiceWorld, name: string) {
  const value = this.answer.headers[name.toLowerCase()];
  assert.match(String(value), /^[1-9]\d*$/, `${name}: ${String(value)}`);
});

Then('the error code is {word}', function (this: ServiceWorld, code: string) {
  assert.equal(this.json['code'], code);
});

Then('the error message mentions {string}', function (this: ServiceWorld, text: string) {
  assert.ok(String(this.json['message']).includes(text), String(this.json['message']));
});

Then('the error message is {string}', function (this: ServiceWorld, text: string) {
  assert.equal(this.json['message'], text);
});

Then('the error envelope includes {word}', function (this: ServiceWorld, field: string) {
  assert.ok(field in this.json, JSON.stringify(this.json));
});

Then('the response includes code {int}', function (this: ServiceWorld, code: number) {
  assert.equal(this.json['code'], code);
});

Then('the response includes {word} {string}', function (this: ServiceWorld, field: string, value: string) {
  assert.equal(this.json[field], value);
});

Then(
  /^the response includes (api_version|task_id|queue_position|predicted_start_ms)$/,
  function (this: ServiceWorld, field: string) {
    assert.ok(this.json[field] !== undefined && this.json[field] !== null, JSON.stringify(this.json));
  },
);

Then(/^the response includes (streams|preparation) object$/, function (this: ServiceWorld, field: string) {
  assert.equal(typeof this.json[field], 'object');
});

Then(/^the response includes (live|ready|draining) status$/, function (this: ServiceWorld, field: string) {
  assert.equal(typeof this.json[field], 'boolean');
});

Then(/^(ttl_ms_remaining|turns) is (\d+)$/, function (this: ServiceWorld, field: string, value: string) {
  assert.equal(this.json[field], Number(value));
});
