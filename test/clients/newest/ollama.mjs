import { Ollama } from 'ollama';
import { all, apiKey, assert, citySchema, nobodyWorks, onEach, png, root, testCase } from './cases.mjs';

const client = new Ollama({ host: root, headers: { Authorization: `Bearer ${apiKey}` } });
const messages = [{ role: 'user', content: 'Hello' }];
const ask = (wire, more = {}) => ({ model: `writer-${wire}`, messages, options: { num_predict: 5 }, ...more });
const tools = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'The weather of a city',
      parameters: citySchema,
    },
  },
];

await onEach('chat, whole and streamed', async wire => {
  const whole = await client.chat(ask(wire));
  assert.match(whole.message.content, /./);
  assert.deepEqual([whole.done, whole.done_reason, whole.eval_count], [true, 'length', 5]);
  const parts = await all(await client.chat(ask(wire, { stream: true })));
  assert.match(parts.map(({ message }) => message.content).join(''), /./);
  assert.deepEqual([parts.at(-1).done, parts.at(-1).eval_count], [true, 5]);
});
await onEach('generate, whole and streamed', async wire => {
  const asked = { model: `writer-${wire}`, prompt: 'Hello', options: { num_predict: 5 } };
  assert.match((await client.generate(asked)).response, /./);
  const parts = await all(await client.generate({ ...asked, stream: true }));
  assert.match(parts.map(({ response }) => response).join(''), /./);
});
await onEach('tools, and their answers', async wire => {
  const { message } = await client.chat(ask(wire, { tools, options: { num_predict: 400 } }));
  const [call] = message.tool_calls;
  assert.equal(call.function.name, 'weather');
  assert.equal(typeof call.function.arguments.city, 'string');
  const talk = [...messages, message, { role: 'tool', tool_name: 'weather', content: 'sunny' }];
  assert.match((await client.chat(ask(wire, { tools, messages: talk }))).message.content, /./);
});
await onEach('structured output', async wire => {
  const format = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
  const { message } = await client.chat(ask(wire, { format, options: { num_predict: 300 } }));
  assert.equal(typeof JSON.parse(message.content).n, 'number');
});
await onEach('images', async wire => {
  const talk = [{ role: 'user', content: 'What is this?', images: [png.split(',')[1]] }];
  assert.match((await client.chat(ask(wire, { messages: talk }))).message.content, /./);
});
await onEach('thinking', async wire => {
  const wanted = ask(wire, { model: `thinker-${wire}`, think: true, options: { num_predict: 12 } });
  assert.match((await client.chat(wanted)).message.thinking, /./);
});
await onEach('embed', async wire => {
  const { embeddings } = await client.embed({ model: `embedder-${wire}`, input: ['a', 'b'] });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[0].every(value => typeof value === 'number'));
});
await onEach('an abort', async wire => {
  const stream = await client.chat(ask(wire, { stream: true, options: { num_predict: 3000 } }));
  const read = (async () => {
    for await (const _ of stream) stream.abort();
  })();
  await assert.rejects(read, { name: 'AbortError' });
  await nobodyWorks();
});
await testCase('list, show, version', async () => {
  const { models } = await client.list();
  assert.ok(models.some(({ name }) => name === 'writer-vllm' || name === 'writer-vllm:latest'));
  assert.ok((await client.show({ model: 'writer-vllm' })).details);
  assert.match((await client.version()).version, /^\d+\./);
});
await testCase('what is not done here is refused', async () => {
  await assert.rejects(client.pull({ model: 'writer-vllm' }), error => error.status_code >= 400 && error.error !== '');
  await assert.rejects(client.chat(ask('x', { model: 'nobody' })), { status_code: 404 });
});
