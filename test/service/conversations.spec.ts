import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startService, stopService } from '../../src/service';
import { ApiRecords, type ApiRecord } from '../../src/records/api-records.port';
import { startEngine, type RunningEngine } from '../engine/engine';
import { answerFaults } from '../openai/valid-answers';
import { eventually } from '../support/deadline';
import { createInProcess, type InProcessService } from '../support/in-process';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* What stands in a conversation, whoever changes it at once and whenever the service ends. */

type Body = Readonly<Record<string, unknown>>;
interface Answer {
  readonly status: number;
  readonly body: Body & { readonly data?: readonly Body[]; readonly error?: Body; readonly id: string };
}

const MODEL = 'some-model';
let engine: RunningEngine;
let service: InProcessService;
let folder: TemporaryFolder;
let url = '';

async function start(env: Record<string, string> = {}, tokensPerSecond = 0): Promise<void> {
  folder = temporaryFolder();
  engine = await startEngine({ wire: 'vllm', model: MODEL, slots: 4, tokensPerSecond, ctxTokens: 1e7 });
  await startAgain(env);
}

async function startAgain(env: Record<string, string> = {}): Promise<void> {
  service = await createInProcess({
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
    ORCHD_ENGINE_SLOTS: '4',
    ORCHD_PROBE_INTERVAL_MS: '50',
    ...env,
  });
  url = await startService(service.app, service.config);
  await eventually(
    async () => (await call('GET', '/v2/pools/vllm/health')).body,
    ({ ready }) => ready === true,
  );
}

afterEach(async () => {
  await stopService(service.app);
  await engine.stop();
  folder.remove();
});

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(url + path, {
    method,
    headers: { 'X-API-Key': 'test-key', ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const contentType = answer.headers.get('content-type') ?? '';
  if (path.startsWith('/v1/'))
    expect(answerFaults(url + path, { status: answer.status, contentType, text }, method)).toEqual([]);
  return { status: answer.status, body: JSON.parse(text) as Answer['body'] };
}

const create = async (body: object = {}): Promise<string> => (await call('POST', '/v1/conversations', body)).body.id;
const respond = (conversation: unknown, input: unknown, more: object = {}): Promise<Answer> =>
  call('POST', '/v1/responses', { model: MODEL, input, conversation, max_output_tokens: 4, ...more });
const itemsOf = async (id: string): Promise<readonly Body[]> =>
  (await call('GET', `/v1/conversations/${id}/items?order=asc&limit=100`)).body.data ?? [];
const rolesOf = async (id: string): Promise<readonly unknown[]> => (await itemsOf(id)).map(({ role }) => role);
const says = (content: string, more: object = {}): object => ({ type: 'message', role: 'user', content, ...more });

describe('conversations (B-RSP-011, B-RSP-012)', () => {
  it('go before what is asked in them, and take up what was said', async () => {
    await start();
    const id = await create({ items: [says('Before')], metadata: { topic: 'weather' } });
    const first = await respond(id, 'First');
    expect([first.status, first.body['conversation']]).toEqual([200, { id }]);
    expect(await rolesOf(id)).toEqual(['user', 'user', 'assistant']);
    const second = await respond({ id }, 'Second', { background: true });
    expect(second.status).toBe(200);
    await eventually(
      () => rolesOf(id),
      roles => roles.length === 5,
    );
    const sent = JSON.stringify(engine.stats().requests.at(-1)?.body);
    expect(['Before', 'First', 'Second'].map(text => sent.includes(text))).toEqual([true, true, true]);
    const count = async (more: object): Promise<number> => {
      const { body } = await call('POST', '/v1/responses/input_tokens', { model: MODEL, input: 'Third', ...more });
      return Number(body['input_tokens']);
    };
    expect(await count({ conversation: id })).toBeGreaterThan(await count({}));
    const { data = [] } = (await call('GET', `/v1/responses/${second.body.id}/input_items?order=asc`)).body;
    expect(data.map(({ role }) => role)).toEqual(['user', 'user', 'assistant', 'user']);
    const next = await call('POST', '/v1/responses', {
      model: MODEL,
      input: 'Third',
      previous_response_id: second.body.id,
    });
    expect(next.status).toBe(200);
    expect(JSON.stringify(engine.stats().requests.at(-1)?.body)).toContain('Before');
  });

  it('are listed in pages, and lose an item', async () => {
    await start();
    const id = await create({ items: ['a', 'b', 'c'].map(text => says(text, { id: `msg_${text}` })) });
    const page = await call('GET', `/v1/conversations/${id}/items?limit=2`);
    expect(page.body).toMatchObject({ first_id: 'msg_c', last_id: 'msg_b', has_more: true });
    const rest = await call('GET', `/v1/conversations/${id}/items?limit=2&after=msg_b`);
    expect(rest.body).toMatchObject({ first_id: 'msg_a', last_id: 'msg_a', has_more: false });
    expect((await call('GET', `/v1/conversations/${id}/items/msg_b`)).body).toMatchObject({
      id: 'msg_b',
      role: 'user',
    });
    expect((await call('DELETE', `/v1/conversations/${id}/items/msg_b`)).body).toMatchObject({
      id,
      object: 'conversation',
    });
    expect((await call('GET', `/v1/conversations/${id}/items/msg_b`)).body.error).toMatchObject({
      code: 'item_not_found',
    });
    expect((await itemsOf(id)).map(item => item['id'])).toEqual(['msg_a', 'msg_c']);
  });

  it('say which member is at fault', async () => {
    await start();
    const id = await create({ items: [says('a', { id: 'msg_a' })] });
    const at = async (answer: Promise<Answer>): Promise<unknown[]> => {
      const { status, body } = await answer;
      return [status, body.error?.['param']];
    };
    const many = Array.from({ length: 21 }, () => says('a'));
    expect(await at(call('POST', '/v1/conversations', { items: many }))).toEqual([400, 'items']);
    expect(await at(call('POST', '/v1/conversations', { items: [{ type: 'computer_call' }] }))).toEqual([
      400,
      'items.0.type',
    ]);
    expect(await at(call('POST', '/v1/conversations', { metadata: { a: 1 } }))).toEqual([400, 'metadata.a']);
    expect(await at(call('POST', `/v1/conversations/${id}`, {}))).toEqual([400, 'metadata']);
    expect(await at(call('POST', `/v1/conversations/${id}/items`, {}))).toEqual([400, 'items']);
    const twice = { items: [says('b', { id: 'msg_b' }), says('a', { id: 'msg_a' })] };
    expect(await at(call('POST', `/v1/conversations/${id}/items`, twice))).toEqual([400, 'items.1.id']);
    expect(await at(respond(id, [says('a', { id: 'msg_a' })]))).toEqual([400, 'input.0.id']);
    expect(await at(respond(7, 'a'))).toEqual([400, 'conversation']);
    expect(await at(respond({}, 'a'))).toEqual([400, 'conversation.id']);
    const nothing = fetch(`${url}/v1/conversations`, { method: 'POST', headers: { 'X-API-Key': 'test-key' } });
    expect((await nothing).status).toBe(200);
    expect(await at(respond('conv_nobody', 'a'))).toEqual([404, 'conversation']);
    expect(await at(respond(id, 'a', { store: false }))).toEqual([400, 'store']);
    expect(await at(respond(id, 'a', { previous_response_id: 'resp_x' }))).toEqual([400, 'previous_response_id']);
    expect(await at(respond(id, [{ type: 'computer_call' }]))).toEqual([400, 'input.0.type']);
    // What was refused has left the turn to others.
    expect((await respond(id, [{ type: 'item_reference', id: 'msg_a' }])).status).toBe(200);
    expect(await rolesOf(id)).toEqual(['user', 'assistant']);
    for (const path of ['', '/items', '/items/x'])
      expect((await call('GET', `/v1/conversations/none${path}`)).status).toBe(404);
  });
});

describe('what is said in conversations at once (B-RSP-013)', () => {
  it('is all there: no item is lost', async () => {
    await start();
    const id = await create();
    const added = Array.from({ length: 30 }, (_, at) =>
      call('POST', `/v1/conversations/${id}/items`, { items: [says(`${at}`)] }),
    );
    expect((await Promise.all(added)).map(({ status }) => status)).toEqual(added.map(() => 200));
    expect(new Set((await itemsOf(id)).map(item => JSON.stringify(item['content']))).size).toBe(30);
  });

  it('is one response at a time', async () => {
    await start({}, 20);
    const id = await create();
    const long = await respond(id, 'Long', { background: true, max_output_tokens: 4000 });
    const second = await respond(id, 'Second');
    expect([second.status, second.body.error]).toMatchObject([
      409,
      { code: 'conversation_locked', param: 'conversation' },
    ]);
    await call('POST', `/v1/responses/${long.body.id}/cancel`);
    // What was cancelled has said nothing.
    expect(await itemsOf(id)).toEqual([]);
    expect((await respond(id, 'Third')).status).toBe(200);
    expect(await rolesOf(id)).toEqual(['user', 'assistant']);
    const gone = await respond(id, 'Gone', { background: true, max_output_tokens: 4000 });
    await call('DELETE', `/v1/responses/${gone.body.id}`);
    expect((await respond(id, 'Fourth')).status).toBe(200);
    expect(await rolesOf(id)).toEqual(['user', 'assistant', 'user', 'assistant']);
  });
});

describe('a service that ends between a response and its conversation (B-RSP-013)', () => {
  it.each(['before', 'after'])('takes it up once: %s it was taken up', async when => {
    await start();
    const id = await create();
    const records = service.app.get(ApiRecords);
    const lost = (): Promise<never> => Promise.reject(new Error('killed'));
    const revise = records.revise.bind(records);
    const takesUp = (text: string): boolean => text.includes('"assistant"');
    if (when === 'after') records.replace = lost;
    else records.revise = (record: ApiRecord, was) => (takesUp(record.text) ? lost() : revise(record, was));
    const answer = await respond(id, 'Once');
    expect(answer.status).toBe(200);
    await eventually(
      async () => (await records.find('conversation', id))?.text ?? '',
      text => takesUp(text) === (when === 'after'),
    );
    const path = `/v1/conversations/${id}/items`;
    // What was taken out of it again does not come back.
    if (when === 'after') await call('DELETE', `${path}/${String((await itemsOf(id))[1]?.['id'])}`);
    await stopService(service.app);
    await startAgain();
    expect(await rolesOf(id)).toEqual(when === 'after' ? ['user'] : ['user', 'assistant']);
    expect((await call('GET', `/v1/responses/${answer.body.id}`)).body['status']).toBe('incomplete');
    expect((await itemsOf(id)).length).toBe(when === 'after' ? 1 : 2);
  });
});

describe('conversations that are kept (B-RSP-014)', () => {
  it('are no more than so many: the one that changed first goes', async () => {
    await start({ ORCHD_CONVERSATIONS_MAX: '2' });
    const [a, b] = [await create(), await create()];
    await call('POST', `/v1/conversations/${a}`, { metadata: { still: 'used' } });
    const c = await create();
    const statuses = await Promise.all(
      [a, b, c].map(async id => (await call('GET', `/v1/conversations/${id}`)).status),
    );
    expect(statuses).toEqual([200, 404, 200]);
  });

  it('have no more than so many items, and bytes', async () => {
    await start({ ORCHD_CONVERSATION_MAX_ITEMS: '3', ORCHD_CONVERSATION_MAX_BYTES: '4096' });
    const id = await create({ items: [says('a'), says('b'), says('c')] });
    const more = await call('POST', `/v1/conversations/${id}/items`, { items: [says('d')] });
    expect([more.status, more.body.error]).toMatchObject([400, { param: 'items' }]);
    expect((await respond(id, 'd')).body.error).toMatchObject({ param: 'input' });
    const large = await call('POST', '/v1/conversations', { items: [says('é'.repeat(2048))] });
    expect(large.body.error).toMatchObject({ param: 'items', message: expect.stringContaining('4096') as unknown });
    expect((await itemsOf(id)).length).toBe(3);
  });

  it('are forgotten once their time is over', async () => {
    await start({ ORCHD_CONVERSATION_RETENTION_MS: '0' });
    const id = await create();
    await eventually(
      async () => (await call('GET', `/v1/conversations/${id}`)).status,
      status => status === 404,
    );
  });
});
