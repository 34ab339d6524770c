import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

const BOUNDARY = 'boundary-of-the-form';

/** Sends a form as browsers and clients do; what is answered is the scenario's answer. */
export async function upload(world: ServiceWorld, content: string, purpose: string): Promise<Members> {
  const part = (head: string, text: string) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name=${head}\r\n\r\n${text}\r\n`;
  const body = `${part('"purpose"', purpose)}${part('"file"; filename="lines.jsonl"', content)}--${BOUNDARY}--\r\n`;
  const answer = await world.request('POST', '/v1/files', body, {
    'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
  });
  return answer.json();
}

When('I upload {string} for {string}', async function (this: ServiceWorld, content: string, purpose: string) {
  await upload(this, content, purpose);
});

When(
  'I upload a text of {int} bytes for {string}',
  async function (this: ServiceWorld, bytes: number, purpose: string) {
    await upload(this, 'x'.repeat(bytes), purpose);
  },
);

Given('I have uploaded {string} for {string}', async function (this: ServiceWorld, content: string, purpose: string) {
  await upload(this, content, purpose);
  assert.equal(this.answer.status, 200, this.answer.text);
});

When('I list the files for {string}', async function (this: ServiceWorld, purpose: string) {
  await this.request('GET', `/v1/files?purpose=${purpose}`);
});

Then('it is a file of {int} bytes for {string}', function (this: ServiceWorld, bytes: number, purpose: string) {
  const { object, bytes: length, purpose: stated, filename } = this.json;
  assert.deepEqual([object, length, stated, filename], ['file', bytes, purpose, 'lines.jsonl']);
});

Then('its content is {string}', async function (this: ServiceWorld, content: string) {
  assert.equal((await this.look(`/v1/files/${String(this.json['id'])}/content`)).text, content);
});

Then('once it is deleted it is not found any more', async function (this: ServiceWorld) {
  const path = `/v1/files/${String(this.json['id'])}`;
  assert.deepEqual((await this.request('DELETE', path)).json()['deleted'], true);
  for (const gone of [path, `${path}/content`]) assert.equal((await this.look(gone)).status, 404);
});

Then('they have {} bytes', function (this: ServiceWorld, lengths: string) {
  const { data } = this.json as { readonly data: readonly { readonly bytes: number }[] };
  assert.equal(data.map(({ bytes }) => bytes).join(', '), lengths);
});

Then('the error has status {int}, about {string}', function (this: ServiceWorld, status: number, param: string) {
  assert.deepEqual([this.answer.status, (this.json['error'] as Members)['param']], [status, param]);
});

Then('no file is there', async function (this: ServiceWorld) {
  assert.deepEqual((await this.look('/v1/files')).json()['data'], []);
});
