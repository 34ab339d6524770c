import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startService, stopService } from '../../src/service';
import { BatchRecords } from '../../src/batches/batch-records';
import type { StoredBatch } from '../../src/batches/batch/stored-batch';
import { FileRecords } from '../../src/uploads/file-records';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine, type BatchSeen } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { createInProcess, type InProcessService } from '../support/in-process';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const key = { 'X-API-Key': 'test-key' };
let engine: RunningEngine | undefined;
let service: InProcessService | undefined;
let folder: TemporaryFolder | undefined;
let url = '';
let client: BatchClient;

async function start(env: Record<string, string> = {}, engineOptions: object = {}): Promise<void> {
  folder ??= temporaryFolder();
  engine ??= await startEngine({ wire: 'vllm', model: 'some-model', slots: 4, tokensPerSecond: 0, ...engineOptions });
  service = await createInProcess({
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
    ORCHD_ENGINE_SLOTS: '4',
    ORCHD_PROBE_INTERVAL_MS: '50',
    ORCHD_BATCH_WINDOW_MIN_MS: '1',
    ORCHD_BATCH_MODEL_WAIT_MS: '0',
    ORCHD_SHUTDOWN_GRACE_MS: '0',
    ...env,
  });
  url = await startService(service.app, service.config);
  client = new BatchClient(url);
  await eventually(
    async () => (await (await fetch(`${url}/v2/pools/vllm/health`, { headers: key })).json()) as { ready?: boolean },
    ({ ready }) => ready === true,
  );
}

async function stop(): Promise<void> {
  if (service) await stopService(service.app);
  service = undefined;
}

async function end(): Promise<void> {
  await stop();
  await engine?.stop();
  folder?.remove();
  engine = folder = undefined;
}

const numbered = (count: number, more: object = {}): string[] =>
  Array.from({ length: count }, (_, at) => chatLine(`line-${at + 1}`, more));

/** An engine of one token a second: a line of one token is answered at once, and one of these is not while a test lasts. */
const SLOWEST = { tokensPerSecond: 1 };
const ENDLESS = { max_tokens: 3600 };
/** The engine takes requests and begins none of them until it is told to. */
const STALLED = { faults: { 'stall-prefill': Infinity } };

/** Three that are answered at once, and others that are not before the test is over. */
const threeAndEndless = (endless: number): string[] => [
  ...['a', 'b', 'c'].map(id => chatLine(id, { max_tokens: 1 })),
  ...numbered(endless, ENDLESS),
];

/** Each line once, in one of the files, and the counts say how many are in which. */
async function judged(batch: BatchSeen, total: number): Promise<{ output: number; errors: number }> {
  const [output, errors] = [await client.results(batch.output_file_id), await client.results(batch.error_file_id)];
  const ids = [...output, ...errors].map(({ custom_id: id }) => id);
  expect(ids.length).toBe(total);
  expect(new Set(ids).size).toBe(total);
  expect(batch.request_counts).toEqual({ total, completed: output.length, failed: errors.length });
  return { output: output.length, errors: errors.length };
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
}

/** The usage of all answers, added up line by line. */
async function usageOfAnswers({ output_file_id: id }: BatchSeen): Promise<BatchSeen['usage']> {
  const sum = { input: 0, cached: 0, output: 0 };
  for (const { response } of await client.results(id)) {
    const usage = response?.body['usage'] as Usage;
    sum.input += usage.prompt_tokens;
    sum.output += usage.completion_tokens;
    sum.cached += usage.prompt_tokens_details?.cached_tokens ?? 0;
  }
  return {
    input_tokens: sum.input,
    input_tokens_details: { cached_tokens: sum.cached },
    output_tokens: sum.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: sum.input + sum.output,
  };
}

describe('a batch', () => {
  afterEach(end);

  it('runs each line as a task, and has each answer once (B-BAT-001)', async () => {
    await start();
    const batch = await client.begin(numbered(40), { metadata: { night: 'one' } });
    expect(batch).toMatchObject({ status: 'validating', output_file_id: null, metadata: { night: 'one' } });
    const done = await client.untilEnded(batch.id);
    expect(done).toMatchObject({ status: 'completed', error_file_id: null, metadata: { night: 'one' } });
    expect(await judged(done, 40)).toEqual({ output: 40, errors: 0 });
    const [first] = await client.results(done.output_file_id);
    expect(first).toMatchObject({ error: null, response: { status_code: 200 } });
    expect(first?.response?.body).toMatchObject({ object: 'chat.completion', model: 'some-model' });
    const task = await fetch(`${url}/v2/tasks/${batch.id}.1`, { headers: key });
    expect(await task.json()).toMatchObject({ state: 'completed', priority: 'batch', workload: 'chat' });
  });

  it('puts what failed into its error file, with the answer that it would have had (B-BAT-002)', async () => {
    await start();
    const lines = [
      chatLine('good'),
      chatLine('nobody', { model: 'nobody-has-it' }),
      chatLine('wrong', { messages: 'hello' }),
      chatLine('streamed', { stream: true }),
    ];
    const done = await client.untilEnded((await client.begin(lines)).id);
    expect(await judged(done, 4)).toEqual({ output: 1, errors: 3 });
    const told = (await client.results(done.error_file_id)).map(({ custom_id: id, response, error }) => [
      id,
      response?.status_code,
      (response?.body['error'] as { param: string }).param,
      error,
    ]);
    expect(told.sort()).toEqual([
      ['nobody', 404, 'model', null],
      ['streamed', 400, 'stream', null],
      ['wrong', 400, 'messages', null],
    ]);
  });

  it('of which no line is answered is completed all the same, without an output file (B-BAT-002)', async () => {
    await start();
    const done = await client.untilEnded((await client.begin([chatLine('a', { model: 'nobody-has-it' })])).id);
    expect(done).toMatchObject({ status: 'completed', output_file_id: null });
    expect(await judged(done, 1)).toEqual({ output: 0, errors: 1 });
    expect(done.usage).toMatchObject({ input_tokens: 0, output_tokens: 0, total_tokens: 0 });
  });

  it('has files that nobody can delete before it has ended (B-BAT-009)', async () => {
    await start({}, STALLED);
    const { id } = await client.begin(numbered(3));
    const { outputFileId, inputFileId } = (await service?.app.get(BatchRecords).get(id)) as StoredBatch;
    // As it is kept before the end is durable.
    await service?.app
      .get(FileRecords)
      .insert({ id: outputFileId, filename: 'out', purpose: 'batch_output', bytes: 0 });
    for (const fileId of [outputFileId, inputFileId]) {
      const refused = await fetch(`${url}/v1/files/${fileId}`, { method: 'DELETE', headers: key });
      expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining(id)]);
    }
    engine?.control({ faults: {} });
    expect(await judged(await client.untilEnded(id), 3)).toEqual({ output: 3, errors: 0 });
    for (const fileId of [outputFileId, inputFileId]) await client.remove(fileId);
  });

  it('says since when it is what it is, and is in the lists (B-BAT-001)', async () => {
    await start();
    const first = await client.untilEnded((await client.begin(numbered(3))).id);
    const { created_at: made, in_progress_at: began, finalizing_at: closing, completed_at: ended } = first;
    expect([first.id, first.status]).toEqual([expect.stringMatching(/^batch_[0-9a-f]{32}$/), 'completed']);
    expect([made, began, closing, ended].every(time => typeof time === 'number')).toBe(true);
    expect([made, began, closing, ended]).toEqual([made, began, closing, ended].sort());
    const second = await client.untilEnded((await client.begin(numbered(3))).id);
    const page = await client.list(undefined, 1);
    expect(page).toMatchObject({ object: 'list', has_more: true, first_id: second.id, last_id: second.id });
    const rest = await client.list(second.id, 1);
    expect(rest).toMatchObject({ has_more: false, first_id: first.id, last_id: first.id, data: [{ id: first.id }] });
    const figures = await (await fetch(`${url}/metrics`, { headers: key })).text();
    expect(figures).toMatch(/batch_lines_total\{result="answer"[^}]*\} 6\n/);
    expect(figures).toMatch(/open_batches\{state="in_progress"[^}]*\} 0\n/);
  });

  it('shows how far it is while it runs, by its tasks and by metrics (B-BAT-001)', async () => {
    await start({}, SLOWEST);
    const { id } = await client.begin(threeAndEndless(20));
    await client.until(id, ({ request_counts: { completed } }) => completed === 3);
    const listed = await fetch(`${url}/v2/tasks?limit=100`, { headers: key });
    const { items } = (await listed.json()) as { items: { task_id: string }[] };
    expect(items.length).toBeGreaterThan(0);
    expect(items.every(({ task_id: taskId }) => taskId.startsWith(`${id}.`))).toBe(true);
    const figures = await (await fetch(`${url}/metrics`, { headers: key })).text();
    expect(figures).toMatch(/open_batches\{state="in_progress"[^}]*\} 1\n/);
    await client.cancel(id);
    await client.untilEnded(id);
  });

  it('does completions and responses too (B-BAT-001)', async () => {
    await start();
    const answerTo = async (endpoint: string, more: object): Promise<object | undefined> => {
      const body = { model: 'some-model', ...more };
      const line = JSON.stringify({ custom_id: 'a', method: 'POST', url: endpoint, body });
      const done = await client.untilEnded((await client.begin([line], { endpoint })).id);
      return (await client.results(done.output_file_id))[0]?.response?.body;
    };
    const text = await answerTo('/v1/completions', { prompt: 'Once', max_tokens: 3 });
    expect(text).toMatchObject({ object: 'text_completion', usage: { completion_tokens: 3 } });
    const response = await answerTo('/v1/responses', { input: 'Once', max_output_tokens: 20 });
    expect(response).toMatchObject({ object: 'response', store: false, output: [{ type: 'message' }] });
  });

  it('is cancelled: what had not ended is in its error file (B-BAT-004)', async () => {
    await start({}, SLOWEST);
    const { id } = await client.begin(threeAndEndless(30));
    await client.until(id, ({ request_counts: { completed } }) => completed === 3);
    expect((await client.cancel(id)).status).toMatch(/cancell(ing|ed)/);
    const done = await client.untilEnded(id);
    expect(done.status).toBe('cancelled');
    expect(await judged(done, 33)).toEqual({ output: 3, errors: 30 });
    for (const { response, error } of await client.results(done.error_file_id))
      expect([response, error?.code]).toEqual([null, 'batch_cancelled']);
    expect((await client.cancel(id)).status).toBe('cancelled');
  });

  it('expires with its window: what had not ended is in its error file (B-BAT-004)', async () => {
    // Lines begin and end until the window does; three at a time, of half a second each, so that not all are through in the longest.
    await start({}, { tokensPerSecond: 20 });
    const lines = numbered(300, { max_tokens: 10 });
    let done: BatchSeen | undefined;
    // A window that ends before the file was looked at says nothing of its lines: a machine that is so slow is given a longer one.
    for (const window of ['2s', '8s', '20s']) {
      const { id } = await client.begin(lines, { completion_window: window });
      done = await client.untilEnded(id);
      expect(done.status).toBe('expired');
      if (done.request_counts.total > 0) break;
    }
    if (!done) throw new Error('no batch was begun');
    const { errors } = await judged(done, 300);
    expect(errors).toBeGreaterThan(100);
    for (const { response, error } of await client.results(done.error_file_id))
      expect([response, error?.code]).toEqual([null, 'batch_expired']);
  });

  it('goes on after a restart, none of its lines is lost or done twice, and its usage is right (B-BAT-005, B-BAT-007)', async () => {
    await start({}, { tokensPerSecond: 50 });
    const { id } = await client.begin(numbered(40, { max_tokens: 10 }));
    for (const some of [3, 12, 25]) {
      await client.until(id, ({ request_counts: { completed } }) => completed >= some);
      await stop();
      await start();
    }
    const done = await client.untilEnded(id);
    expect(done.status).toBe('completed');
    await judged(done, 40);
    expect(done.usage).toEqual(await usageOfAnswers(done));
    expect(done.usage).toMatchObject({ output_tokens: 400 });
  });

  it('keeps its file from being deleted while it reads it', async () => {
    await start({}, STALLED);
    const fileId = await client.upload(`${chatLine('a')}\n`);
    const { id } = await client.create(fileId);
    const remove = () => fetch(`${url}/v1/files/${fileId}`, { method: 'DELETE', headers: key });
    const refused = await remove();
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([409, 'false']);
    engine?.control({ faults: {} });
    await client.untilEnded(id);
    expect((await remove()).status).toBe(200);
    expect(existsSync(join(folder?.path ?? '', 'data', 'files', fileId))).toBe(false);
  });

  it('goes on with its other lines while those of a model that no engine has wait for it (B-BAT-010)', async () => {
    await start({ ORCHD_BATCH_MODEL_WAIT_MS: '600000' });
    const models = ['nobody-has-it', 'some-model', 'some-model'];
    const lines = Array.from({ length: 300 }, (_, at) => chatLine(`line-${at + 1}`, { model: models[at % 3] }));
    const { id } = await client.begin(lines);
    await client.until(id, ({ request_counts: { completed } }) => completed === 200);
    await client.cancel(id);
    expect(await judged(await client.untilEnded(id), 300)).toEqual({ output: 200, errors: 100 });
  });

  it('of many is not kept waiting by the others (B-BAT-006)', async () => {
    await start({}, { tokensPerSecond: 100 });
    // By the pace of its engine it takes longer than a minute, which is more than the test may.
    const large = await client.begin(numbered(5000, { max_tokens: 5 }));
    await client.until(large.id, ({ request_counts: { completed } }) => completed > 5);
    const small = await client.begin(numbered(5));
    await client.untilEnded(small.id);
    expect((await client.get(large.id)).status).toBe('in_progress');
    await client.cancel(large.id);
    await client.untilEnded(large.id);
  });
});

describe('a file that is none of requests fails its batch, which names the line (B-BAT-003)', () => {
  beforeAll(() => start({ ORCHD_BATCH_LINE_MAX_BYTES: '4096', ORCHD_BATCH_MAX_LINES: '50' }));
  afterAll(end);

  const good = chatLine('good');
  const odd = (change: object): string => JSON.stringify({ ...(JSON.parse(good) as object), ...change });
  const cases: readonly [what: string, content: string | Blob, line: number | null, code: string, message: RegExp][] = [
    ['bad JSON', `${good}\n{"a":\n`, 2, 'invalid_json_line', /not valid JSON/],
    ['a line that is no object', `${good}\n[1]\n`, 2, 'invalid_json_line', /must be a JSON object/],
    ['a custom_id twice', `${good}\n${good}\n`, 2, 'duplicate_custom_id', /line 1 has the same/],
    ['no custom_id', `${odd({ custom_id: 7 })}\n`, 1, 'invalid_custom_id', /1 to 512/],
    ['another method', `${odd({ method: 'GET' })}\n`, 1, 'invalid_method', /POST/],
    ['another url', `${odd({ url: '/v1/embeddings' })}\n`, 1, 'invalid_url', /\/v1\/chat\/completions/],
    ['no body', `${odd({ body: 'x' })}\n`, 1, 'invalid_request', /body must be/],
    ['nesting', `${good}\n${'['.repeat(100)}${']'.repeat(100)}\n`, 2, 'invalid_json_line', /64 levels/],
    ['a line that is too long', `${good}\n${'x'.repeat(100_000)}`, 2, 'line_too_long', /4096 bytes/],
    ['a blank line', `${good}\n\n${odd({ custom_id: 'b' })}`, 2, 'invalid_json_line', /blank/],
    ['only blank lines', '\n\n  \n', null, 'empty_file', /no line/],
    [
      'too many lines',
      Array.from({ length: 51 }, (_, at) => chatLine(String(at))).join('\n'),
      null,
      'too_many_lines',
      /at most 50/,
    ],
    ['bad UTF-8', new Blob([`${good}\n`, new Uint8Array([0x22, 0xff, 0x22])]), 2, 'invalid_json_line', /UTF-8/],
    ['__proto__', `${good.replace('{', '{"__proto__":1,')}\n`, 1, 'invalid_json_line', /__proto__/],
  ];
  it.each(cases)('%s', async (_what, content, line, code, message) => {
    const fileId = await client.upload(content);
    const { id } = await client.create(fileId);
    const { status, errors, request_counts: counts } = await client.untilEnded(id);
    expect([status, counts]).toEqual(['failed', { total: 0, completed: 0, failed: 0 }]);
    expect(errors?.data[0]).toMatchObject({ line, code });
    expect(errors?.data[0]?.message).toMatch(message);
    expect(readdirSync(join(folder?.path ?? '', 'data', 'files'))).toEqual([fileId]);
    await client.remove(fileId);
    expect(readdirSync(join(folder?.path ?? '', 'data', 'files'))).toEqual([]);
  });

  it('but ends of lines as Windows has them, a BOM, and no end of the last one are no fault', async () => {
    const { id } = await client.create(await client.upload(`\ufeff${good}\r\n${odd({ custom_id: 'b' })}`));
    const done = await client.untilEnded(id);
    expect(await judged(done, 2)).toEqual({ output: 2, errors: 0 });
  });

  it('and a request for a batch that cannot be made is refused by name', async () => {
    const fileId = await client.upload(`${good}\n`);
    const other = await client.upload('x', 'user_data');
    const refusals: readonly [object, number, string][] = [
      [{ endpoint: '/v1/models' }, 400, 'endpoint'],
      [{ completion_window: 'soon' }, 400, 'completion_window'],
      [{ completion_window: '800000h' }, 400, 'completion_window'],
      [{ completion_window: '9000d' }, 400, 'completion_window'],
      [{ metadata: { a: 1 } }, 400, 'metadata.a'],
      [{ output_expires_after: { anchor: 'created_at', seconds: 1 } }, 400, 'output_expires_after.seconds'],
      [{ input_file_id: 'file-nobody' }, 404, 'input_file_id'],
      [{ input_file_id: other }, 400, 'input_file_id'],
    ];
    for (const [change, status, param] of refusals) {
      const body = { input_file_id: fileId, endpoint: '/v1/chat/completions', completion_window: '24h', ...change };
      const headers = { ...key, 'Content-Type': 'application/json' };
      const answer = await fetch(`${url}/v1/batches`, { method: 'POST', body: JSON.stringify(body), headers });
      const { error } = (await answer.json()) as { error: { param: string } };
      expect([answer.status, error.param]).toEqual([status, param]);
    }
  });
});
