import { strict as assert } from 'node:assert';
import { request as httpRequest } from 'node:http';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const CHAT = '/v1/chat/completions';

Then('the engine was told to generate {int} tokens at most', function (this: ServiceWorld, tokens: number) {
  const { max_tokens: told } = this.theEngine.stats().requests.at(-1)?.body as { readonly max_tokens?: number };
  assert.equal(told, tokens);
});

When(
  'a client waits for a chat in the queue, and the service is killed and starts again',
  async function (this: ServiceWorld) {
    const service = await this.service();
    const body = JSON.stringify({ model: 'some-model', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 });
    const headers = { 'X-API-Key': service.apiKey, 'Content-Type': 'application/json' };
    const request = httpRequest(`${service.url}${CHAT}`, { method: 'POST', agent: false, headers });
    request.on('error', () => undefined).end(body);
    // Told once it is durable: until then a kill may lose it.
    await this.waitForLog(({ event, job_id: id }) => event === 'task_admitted' && id !== 't-1');
    await this.restart('SIGKILL');
    await this.service();
  },
);

Then('the engine was never asked for the chat', function (this: ServiceWorld) {
  assert.deepEqual(
    this.theEngine.stats().requests.filter(({ path }) => path === CHAT),
    [],
  );
});

When('I ask \\/v1\\/embeddings for {int} texts', async function (this: ServiceWorld, count: number) {
  const input = Array.from({ length: count }, (_, n) => `text ${n}`);
  await this.request('POST', '/v1/embeddings', { model: 'some-model', input });
});
