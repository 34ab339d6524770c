import type OpenAI from 'openai';
import { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../crash/random';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import type { RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';
import { faultsOf, faultsOfEvent } from '../wire/openai-schemas';
import { all, bindEngine, clientOf, startForClients } from './openai-stage';

/** npm's `openai` and its Responses against the built service, with a stand-in behind that speaks vLLM's API. */

const MODEL = 'writer';
const CUTS = 50;
const folder = temporaryFolder();
const weather = {
  type: 'function' as const,
  name: 'weather',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

let service: RunningService;
let engine: RunningEngine;
let client: OpenAI;

async function start(): Promise<void> {
  service = await startForClients({ ORCHD_DATA_DIR: folder.path });
  client = clientOf(service);
}

beforeAll(async () => {
  engine = await startEngine({ wire: 'vllm', model: MODEL, slots: 4, tokensPerSecond: 400, reasoningTokens: 3 });
  await start();
  await bindEngine(service, 'gpu', engine.url, 4);
});
afterAll(async () => {
  await service.stop();
  await engine.stop();
  folder.remove();
});

const ask = { model: MODEL, input: 'Hello', max_output_tokens: 20 };

describe('responses', () => {
  it('are made, looked up, gone on from and deleted', async () => {
    const first = await client.responses.create(ask);
    expect(faultsOf('Response', first)).toEqual([]);
    expect([first.status, first.output.map(({ type }) => type)]).toEqual(['incomplete', ['reasoning', 'message']]);
    expect(first.output_text).not.toBe('');
    expect((await client.responses.retrieve(first.id)).output).toEqual(first.output);
    const second = await client.responses.create({ ...ask, input: 'And?', previous_response_id: first.id });
    const items = await all(client.responses.inputItems.list(second.id, { order: 'asc', limit: 1 }));
    expect(items.map(item => item.type)).toEqual(['message', 'reasoning', 'message', 'message']);
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toThrow(NotFoundError);
  });

  it('are put together by its helper, and each event is valid', async () => {
    const stream = client.responses.stream(ask);
    const events: { type: string; sequence_number: number }[] = [];
    stream.on('event', event => events.push(event));
    const final = await stream.finalResponse();
    expect(final.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    for (const event of events) expect([event.type, faultsOfEvent(event)]).toEqual([event.type, []]);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
  });

  it('call functions, and go on with what they answer', async () => {
    const tools = [weather];
    const asked = { ...ask, max_output_tokens: 300, tools };
    const first = await client.responses.create({ ...asked, tool_choice: 'required' });
    const calls = first.output.filter(item => item.type === 'function_call');
    expect(calls.map(({ name }) => name)).toEqual(['weather']);
    const input = calls.map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: 'rain' }));
    const second = await client.responses.create({ ...asked, input, previous_response_id: first.id });
    expect(second.output_text).not.toBe('');
    const stateless = await client.responses.create({
      ...asked,
      store: false,
      input: [{ role: 'user', content: 'Hello' }, ...first.output, ...input],
    });
    expect(stateless.output_text).not.toBe('');
  });

  it('answer by a schema', async () => {
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer' } },
      required: ['n'],
      additionalProperties: false,
    };
    const { output_text: text } = await client.responses.create({
      ...ask,
      max_output_tokens: 300,
      text: { format: { type: 'json_schema', name: 'n', schema, strict: true } },
    });
    expect(JSON.parse(text)).toEqual({ n: expect.any(Number) as unknown });
  });

  it('refuse what is not done here by name', async () => {
    const refused = client.responses.create({ ...ask, tools: [{ type: 'web_search' }] });
    await expect(refused).rejects.toThrow(BadRequestError);
    await expect(refused).rejects.toMatchObject({ param: 'tools.0.type' });
  });
});

describe('conversations', () => {
  it('are made, filled, gone on from, listed and deleted', async () => {
    const { id } = await client.conversations.create({
      items: [{ type: 'message', role: 'user', content: 'Call me Ada.' }],
      metadata: { topic: 'names' },
    });
    const updated = await client.conversations.update(id, { metadata: { topic: 'weather' } });
    expect(faultsOf('ConversationResource', updated)).toEqual([]);
    expect(await client.conversations.retrieve(id)).toEqual(updated);
    const added = await client.conversations.items.create(id, {
      items: [
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'rain' },
      ],
    });
    expect(faultsOf('ConversationItemList', added)).toEqual([]);
    const first = await client.responses.create({ ...ask, conversation: id });
    expect([faultsOf('Response', first), first.conversation]).toEqual([[], { id }]);
    const stream = client.responses.stream({ ...ask, input: 'And?', conversation: { id } });
    expect((await stream.finalResponse()).conversation).toEqual({ id });
    const items = await all(client.conversations.items.list(id, { order: 'asc', limit: 2 }));
    for (const item of items) expect([item.type, faultsOf('ConversationItem', item)]).toEqual([item.type, []]);
    const turn = ['message', 'reasoning', 'message'];
    expect(items.map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'function_call_output',
      ...turn,
      ...turn,
    ]);
    const itemId = added.data[0]?.id ?? '';
    expect(await client.conversations.items.retrieve(itemId, { conversation_id: id })).toEqual(added.data[0]);
    expect(await client.conversations.items.delete(itemId, { conversation_id: id })).toEqual(updated);
    await expect(client.conversations.items.retrieve(itemId, { conversation_id: id })).rejects.toThrow(NotFoundError);
    expect(await client.conversations.delete(id)).toMatchObject({ deleted: true });
    await expect(client.responses.create({ ...ask, conversation: id })).rejects.toThrow(NotFoundError);
  });
});

describe('responses in the background', () => {
  const background = { ...ask, max_output_tokens: 120, background: true };

  it('are polled until they have ended, and cancelled', async () => {
    const { id, status } = await client.responses.create(background);
    expect(status).toBe('queued');
    await eventually(
      () => client.responses.retrieve(id),
      response => response.status === 'incomplete',
    );
    const long = await client.responses.create({ ...background, max_output_tokens: 3000 });
    await client.responses.cancel(long.id);
    expect((await client.responses.cancel(long.id)).status).toBe('cancelled');
  });

  it(`go on after a cut at any of ${CUTS} events, with nothing lost and nothing twice`, async () => {
    const random = new Random(7);
    const { id } = await client.responses.create(background);
    const whole = await all(await client.responses.retrieve(id, { stream: true }));
    for (let n = 0; n < CUTS; n++) {
      const seen = await client.responses.create({ ...background, max_output_tokens: 40, stream: true });
      const cutAt = random.below(40);
      const before: OpenAI.Responses.ResponseStreamEvent[] = [];
      for await (const event of seen) {
        before.push(event);
        if (event.sequence_number >= cutAt) break;
      }
      const first = before[0];
      if (first?.type !== 'response.created') throw new Error('it was not created first');
      const last = before.at(-1)?.sequence_number ?? 0;
      const rest = await all(
        await client.responses.retrieve(first.response.id, { stream: true, starting_after: last }),
      );
      const numbers = [...before, ...rest].map(({ sequence_number: number }) => number);
      expect(numbers).toEqual(numbers.map((_, at) => at));
      expect(rest.at(-1)?.type ?? before.at(-1)?.type).toBe('response.incomplete');
    }
    expect(whole.at(-1)?.type).toBe('response.incomplete');
  });

  it('are read again, by the helper too, after the service has been started anew', async () => {
    const { id } = await client.responses.create(background);
    const before = await all(await client.responses.retrieve(id, { stream: true }));
    await service.stop();
    await start();
    expect(await all(await client.responses.retrieve(id, { stream: true }))).toEqual(before);
    const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: 60 }));
    expect(rest).toEqual(before.slice(61));
    const final = await client.responses.stream({ response_id: id, starting_after: 60 }).finalResponse();
    const text = before.at(-1);
    expect(text?.type === 'response.incomplete' && final.output_text === text.response.output_text).toBe(true);
  });
});
