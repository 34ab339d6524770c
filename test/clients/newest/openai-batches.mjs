import OpenAI, { ConflictError, NotFoundError, toFile } from 'openai';
import { all, apiKey, assert, baseURL, onEach, testCase, until } from './cases.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const bodies = {
  '/v1/chat/completions': wire => ({
    ...{ model: `writer-${wire}`, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 },
  }),
  '/v1/completions': wire => ({ model: `writer-${wire}`, prompt: 'Hello', max_tokens: 4 }),
  '/v1/embeddings': wire => ({ model: `embedder-${wire}`, input: 'Hello' }),
  '/v1/responses': wire => ({ model: `writer-${wire}`, input: 'Hello', max_output_tokens: 4 }),
};
const ends = ['completed', 'failed', 'cancelled', 'expired'];
const line = (custom_id, url, body) => JSON.stringify({ custom_id, method: 'POST', url, body });
const upload = async lines => {
  const file = await toFile(Buffer.from(`${lines.join('\n')}\n`), 'night.jsonl');
  return (await client.files.create({ file, purpose: 'batch' })).id;
};
const begin = (input_file_id, endpoint, more = {}) =>
  client.batches.create({ input_file_id, endpoint, completion_window: '24h', ...more });
const untilEnded = id =>
  until(
    () => client.batches.retrieve(id),
    ({ status }) => ends.includes(status),
  );
const results = async id =>
  (await (await client.files.content(id)).text())
    .trim()
    .split('\n')
    .map(text => JSON.parse(text));

for (const [url, body] of Object.entries(bodies)) {
  await onEach(`a batch of ${url}, from its file to its answers`, async wire => {
    const lines = Array.from({ length: 12 }, (_, at) => line(`line-${at}`, url, body(wire)));
    const input = await upload([...lines, line('nobody', url, { ...body(wire), model: 'nobody' })]);
    const { id } = await begin(input, url, { metadata: { night: 'first' } });
    const batch = await untilEnded(id);
    assert.equal(batch.status, 'completed');
    assert.deepEqual(batch.request_counts, { total: 13, completed: 12, failed: 1 });
    assert.deepEqual(batch.metadata, { night: 'first' });
    const answered = await results(batch.output_file_id);
    assert.equal(new Set(answered.map(each => each.custom_id)).size, 12);
    assert.ok(answered.every(({ response }) => response.status_code === 200 && response.body.object));
    const [failed] = await results(batch.error_file_id);
    assert.deepEqual([failed.custom_id, failed.response.status_code, failed.error], ['nobody', 404, null]);
    assert.equal(failed.response.body.error.code, 'model_not_found');
  });
}
await testCase('a file that is no batch fails it, by line', async () => {
  const url = '/v1/chat/completions';
  const good = line('a', url, bodies[url]('vllm'));
  const { id } = await begin(await upload([good, good, 'nonsense']), url);
  const batch = await untilEnded(id);
  assert.equal(batch.status, 'failed');
  assert.deepEqual(
    batch.errors.data.map(each => each.line),
    [2, 3],
  );
});
await testCase('a batch is cancelled, and its file deleted after that', async () => {
  const url = '/v1/chat/completions';
  const lines = Array.from({ length: 40 }, (_, at) =>
    line(`line-${at}`, url, { ...bodies[url]('vllm'), max_tokens: 200 }),
  );
  const input = await upload(lines);
  const { id } = await begin(input, url);
  await assert.rejects(client.files.delete(input), ConflictError);
  await client.batches.cancel(id);
  assert.equal((await untilEnded(id)).status, 'cancelled');
  assert.ok((await all(client.batches.list({ limit: 2 }))).some(batch => batch.id === id));
  assert.equal((await client.files.delete(input)).deleted, true);
  await assert.rejects(client.files.retrieve(input), NotFoundError);
});
await testCase('files are listed in pages', async () => {
  const ids = [];
  for (const name of ['a', 'b', 'c']) ids.unshift(await upload([name]));
  const listed = await all(client.files.list({ purpose: 'batch', limit: 2 }));
  assert.deepEqual(
    listed.slice(0, 3).map(({ id }) => id),
    ids,
  );
});
