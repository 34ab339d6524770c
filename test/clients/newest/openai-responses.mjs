import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  all,
  apiKey,
  assert,
  baseURL,
  citySchema,
  onEach,
  png,
  restartService,
  testCase,
  until,
  wires,
} from './cases.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const ask = (wire, more = {}) => ({ model: `writer-${wire}`, input: 'Hello', max_output_tokens: 20, ...more });
const CUTS = 50;
const tool = name => ({
  ...{ type: 'function', name, strict: false },
  parameters: citySchema,
});
const tools = [tool('weather'), tool('news')];
const ended = id =>
  until(
    () => client.responses.retrieve(id),
    ({ status }) => !['queued', 'in_progress'].includes(status),
  );

await onEach('a response, kept and looked up', async wire => {
  const response = await client.responses.create(ask(wire));
  assert.equal(response.status, 'incomplete');
  assert.equal(response.incomplete_details.reason, 'max_output_tokens');
  assert.equal(response.usage.output_tokens, 20);
  assert.match(response.output_text, /./);
  assert.deepEqual((await client.responses.retrieve(response.id)).output, response.output);
});
await onEach('a response that is not kept', async wire => {
  const { id } = await client.responses.create(ask(wire, { store: false }));
  await assert.rejects(client.responses.retrieve(id), NotFoundError);
});
await onEach('the stream helper', async wire => {
  const stream = client.responses.stream(ask(wire));
  const events = [];
  stream.on('event', event => events.push(event));
  const final = await stream.finalResponse();
  assert.equal(events[0].type, 'response.created');
  assert.deepEqual(
    events.map(event => event.sequence_number),
    events.map((_, at) => at),
  );
  const text = events.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => delta);
  assert.equal(text.join(''), final.output_text);
});
await onEach('reasoning', async wire => {
  const { output } = await client.responses.create(ask(wire, { model: `thinker-${wire}` }));
  assert.deepEqual(
    output.map(({ type }) => type),
    ['reasoning', 'message'],
  );
  const stream = client.responses.stream(ask(wire, { model: `thinker-${wire}` }));
  assert.equal((await stream.finalResponse()).output[0].type, 'reasoning');
});
await onEach('previous_response_id, and its input items', async wire => {
  const first = await client.responses.create(ask(wire, { instructions: 'Be brief.' }));
  const second = await client.responses.create(ask(wire, { input: 'And?', previous_response_id: first.id }));
  assert.equal(second.previous_response_id, first.id);
  assert.ok(second.usage.input_tokens > 0);
  const items = await all(client.responses.inputItems.list(second.id, { order: 'asc', limit: 2 }));
  assert.deepEqual(
    items.map(({ role }) => role),
    ['user', 'assistant', 'user'],
  );
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.create(ask(wire, { previous_response_id: first.id })), NotFoundError);
});
await onEach('function tools, whole and streamed, and their answers', async wire => {
  const wanted = ask(wire, { tools, tool_choice: 'required', parallel_tool_calls: true, max_output_tokens: 400 });
  const whole = await client.responses.create(wanted);
  const streamed = await client.responses.stream(wanted).finalResponse();
  for (const { output } of [whole, streamed]) {
    assert.deepEqual(
      output.map(({ type, name }) => [type, name]),
      [
        ['function_call', 'weather'],
        ['function_call', 'news'],
      ],
    );
    for (const call of output) assert.equal(typeof JSON.parse(call.arguments).city, 'string');
  }
  const input = whole.output.map(({ call_id }) => ({ type: 'function_call_output', call_id, output: 'sunny' }));
  const then = await client.responses.create(ask(wire, { tools, input, previous_response_id: whole.id }));
  assert.match(then.output_text, /./);
  const stateless = [{ role: 'user', content: 'Hello' }, ...whole.output, ...input];
  const alone = await client.responses.create(ask(wire, { tools, input: stateless, store: false }));
  assert.match(alone.output_text, /./);
});
await onEach('structured output', async wire => {
  const format = zodTextFormat(z.object({ name: z.string(), age: z.number().int() }), 'person');
  const { output_parsed: parsed } = await client.responses.parse(
    ask(wire, { max_output_tokens: 1000, text: { format } }),
  );
  assert.equal(typeof parsed.name, 'string');
  const streamed = client.responses.stream(ask(wire, { max_output_tokens: 1000, text: { format } }));
  assert.equal(typeof (await streamed.finalResponse()).output_parsed.name, 'string');
});
await onEach('images', async wire => {
  const content = [
    { type: 'input_text', text: 'What is this?' },
    { type: 'input_image', image_url: png, detail: 'auto' },
  ];
  assert.match((await client.responses.create(ask(wire, { input: [{ role: 'user', content }] }))).output_text, /./);
});
await onEach('logprobs', async wire => {
  const { output } = await client.responses.create(
    ask(wire, { include: ['message.output_text.logprobs'], top_logprobs: 2 }),
  );
  assert.equal(output[0].content[0].logprobs.length, 20);
});
await onEach('in the background: polled, cancelled', async wire => {
  const { id, status } = await client.responses.create(ask(wire, { background: true }));
  assert.equal(status, 'queued');
  assert.equal((await ended(id)).status, 'incomplete');
  const long = await client.responses.create(ask(wire, { background: true, max_output_tokens: 3000 }));
  assert.equal((await client.responses.cancel(long.id)).status, 'cancelled');
  assert.equal((await client.responses.cancel(long.id)).status, 'cancelled');
});
await testCase(`resumed after a cut at each of ${CUTS} random events`, async () => {
  const asked = n => ask(wires[n % wires.length], { background: true, stream: true, max_output_tokens: 60 });
  const cut = async n => {
    const cutAt = Math.floor(Math.random() * 70);
    const before = [];
    for await (const event of await client.responses.create(asked(n))) {
      before.push(event);
      if (event.sequence_number >= cutAt) break;
    }
    const { id } = before[0].response;
    const after = before.at(-1).sequence_number;
    const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: after }));
    const whole = await all(await client.responses.retrieve(id, { stream: true }));
    assert.deepEqual([...before, ...rest], whole);
    assert.equal(whole.at(-1).type, 'response.incomplete');
    const helped = await client.responses.stream({ response_id: id, starting_after: after }).finalResponse();
    assert.equal(helped.output_text, whole.at(-1).response.output[0].content[0].text);
  };
  for (let n = 0; n < CUTS; n += 5) await Promise.all([0, 1, 2, 3, 4].map(more => cut(n + more)));
});
await onEach('read on after a restart of the service', async wire => {
  const asked = ask(wire, { background: true, max_output_tokens: 60 });
  const { id } = await client.responses.create(asked);
  const before = await all(await client.responses.retrieve(id, { stream: true }));
  await restartService();
  assert.deepEqual(await all(await client.responses.retrieve(id, { stream: true })), before);
  const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: 20 }));
  assert.deepEqual(rest, before.slice(21));
  const final = await client.responses.stream({ response_id: id, starting_after: 20 }).finalResponse();
  assert.equal(final.output_text, before.at(-1).response.output[0].content[0].text);
});
await testCase('every response ends that a restart of the service cuts off', async () => {
  const ids = [];
  for (let n = 0; n < 12; n++) {
    const more = { model: 'single', background: true, max_output_tokens: 100 };
    ids.push((await client.responses.create(ask('vllm', more))).id);
  }
  await restartService();
  for (const id of ids) {
    const { status, output } = await ended(id);
    assert.ok(['incomplete', 'failed'].includes(status), status);
    if (status === 'incomplete') assert.match(output[0].content[0].text, /./);
  }
});
await testCase('input tokens', async () => {
  const { input_tokens: count } = await client.responses.inputTokens.count({ model: 'writer-vllm', input: 'Hello' });
  assert.ok(count > 0);
});
await testCase('what is not done here is refused by name', async () => {
  for (const [more, param] of [
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ truncation: 'auto' }, 'truncation'],
  ]) {
    const error = await client.responses.create(ask('vllm', more)).catch(thrown => thrown);
    assert.ok(error instanceof BadRequestError, String(error));
    assert.equal(error.param, param);
  }
});
