import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/storage/sqlite/file/driver';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine } from '../support/batch-client';
import { Child } from '../support/child';
import { eventually } from '../support/deadline';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { command } from '../support/redis-sentinels';
import { startService, type RunningService } from '../support/service';
import { TaskClient, wireOf } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* What an embedded service has kept goes to a store and back, and is the same there. */

const PAGES = [
  '/v2/tasks?limit=100',
  '/v2/tasks?limit=100&state=completed',
  '/v2/tasks?limit=100&session_id=one',
  '/v2/sessions/one',
  '/v2/artifacts?limit=100',
  '/v2/catalog/models',
  '/v1/files',
];
/** Of more than one piece, on either side. */
const FILE = Array.from({ length: 60_000 }, (_, at) => `line ${at} é\n`).join('');

interface Seen {
  readonly pages: readonly string[];
  readonly streams: readonly (readonly string[])[];
}

describe.skipIf(!hasRedisServer())('a move (B-ND-021)', { timeout: 180_000 }, () => {
  let redis: RedisServer;
  let engine: RunningEngine;
  let folder: TemporaryFolder;
  let service: RunningService | undefined;

  const start = async (env: Record<string, string>): Promise<TaskClient> => {
    service = await startService({
      env: {
        ORCHD_STORE_DURABILITY: 'memory',
        ORCHD_FALLBACK: 'wait',
        ORCHD_PROBE_INTERVAL_MS: '200',
        ORCHD_SHUTDOWN_GRACE_MS: '0',
        AUTH_TOKEN: 'worker-token',
        ...env,
      },
    });
    return new TaskClient(service);
  };
  const stop = async (): Promise<void> => {
    await service?.stop();
    service = undefined;
  };
  const path = (name: string): string => join(folder.path, name);
  const move = async (from: string, to: string): Promise<{ code: number | null; text: string }> => {
    const env = { PATH: process.env.PATH ?? '', ORCHD_STORE_DURABILITY: 'memory' };
    const child = new Child({ args: [resolve('dist/main.js'), 'move', '--from', from, '--to', to], env });
    const { code } = await child.exited;
    return { code, text: [...child.lines, ...child.errors].join('\n') };
  };
  const engineOf = () => ({ ORCHD_LLAMACPP_URL: engine.url });

  /** Tasks that have ended, with and without a session; a document; a model; a drain; and tasks that wait. */
  const fill = async (tasks: TaskClient): Promise<void> => {
    const running = service as RunningService;
    await tasks.slotsFree(2);
    for (let at = 0; at < 5; at++) {
      const taskId = await tasks.submit({ task_id: `done-${at}`, max_tokens: 5 + at, session_id: 'one' });
      await tasks.reached(taskId, 'completed');
    }
    await running.request('POST', '/v2/artifacts', { body: { a: 'document' } });
    const model = { id: 'm', name: 'm', engine: 'llamacpp', source: 'local', path: 'm.gguf' };
    await running.request('POST', '/v2/catalog/models', { body: model });
    await new BatchClient(running.url).upload(FILE);
  };
  const wait = async (tasks: TaskClient): Promise<void> => {
    for (const [at, priority] of ['interactive', 'batch', 'interactive'].entries()) {
      const task = { task_id: `waits-${at}`, max_tokens: 3, session_id: 'one', priority, deadline_ms: 3_600_000 };
      await tasks.submit({ ...task, on_disconnect: 'continue' });
    }
    await (service as RunningService).request('POST', '/v2/pools/default/drain', { body: { deadline_ms: 3_600_000 } });
  };
  const see = async (tasks: TaskClient): Promise<Seen> => {
    const pages: string[] = [];
    for (const page of PAGES) {
      const { status, text } = await (service as RunningService).request('GET', page);
      pages.push(`${page} ${status} ${text.replace(/"(ttl_ms_remaining|stored_at|seen_at)":[^,}]*/g, '')}`);
    }
    const streams: string[][] = [];
    for (let at = 0; at < 5; at++) streams.push(wireOf((await tasks.read(`done-${at}`, {}, '?verbose=true')).events));
    const { url } = service as RunningService;
    const { data } = (await (service as RunningService).request('GET', '/v1/files')).json<{ data: { id: string }[] }>();
    for (const { id } of data) expect(await new BatchClient(url).content(id)).toBe(FILE);
    expect(data).toHaveLength(1);
    return { pages, streams };
  };

  beforeEach(async () => {
    redis = await startRedis();
    engine = await startEngine({ slots: 2, tokensPerSecond: 400 });
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await service?.stop('SIGKILL');
    service = undefined;
    await engine.stop();
    await redis.stop();
    folder.remove();
  });

  it('from a data folder to a store and back leaves tasks, streams, lists, budgets and documents as they were', async () => {
    const before = path('before');
    const first = await start({ ORCHD_DATA_DIR: before, ...engineOf() });
    await fill(first);
    await stop();
    // No engine: what is submitted waits.
    const waiting = await start({ ORCHD_DATA_DIR: before });
    await wait(waiting);
    const seen = await see(waiting);
    await stop();

    const there = await move(before, redis.url);
    expect(there).toMatchObject({ code: 0, text: expect.stringMatching(/tasks +8 /) });
    const onStore = await start({ ORCHD_STORE: redis.url });
    expect(await see(onStore)).toEqual(seen);
    await stop();

    const after = path('after');
    expect(await move(redis.url, after)).toMatchObject({ code: 0 });
    const back = await start({ ORCHD_DATA_DIR: after });
    expect(await see(back)).toEqual(seen);
    await stop();

    // The source is as it was.
    const again = await start({ ORCHD_DATA_DIR: before });
    expect(await see(again)).toEqual(seen);
    await stop();
    const sides: readonly Record<string, string>[] = [{ ORCHD_STORE: redis.url }, { ORCHD_DATA_DIR: after }];
    for (const env of sides) {
      const tasks = await start({ ...env, ...engineOf() });
      await (service as RunningService).request('POST', '/v2/pools/default/undrain');
      for (let at = 0; at < 3; at++) await tasks.reached(`waits-${at}`, 'completed');
      await tasks.submit({ task_id: 'more', max_tokens: 1 });
      await tasks.reached('more', 'completed');
      const session = (await (service as RunningService).request('GET', '/v2/sessions/one')).json();
      expect(session['tokens_budget_remaining']).toBe(10_000_000 - (5 + 6 + 7 + 8 + 9) - 3 * 3);
      await stop();
    }
  });

  it('ends a task that was killed in the middle, with what was seen of it, on the other side', async () => {
    const tasks = await start({ ORCHD_DATA_DIR: path('data'), ...engineOf() });
    await tasks.slotsFree(2);
    const taskId = await tasks.submit({ max_tokens: 100_000, deadline_ms: 3_600_000 });
    const reading = await tasks.open(taskId);
    await reading.event(({ type, data }) => type === 'token' && (data as { i: number }).i === 250);
    await service?.stop('SIGKILL');
    service = undefined;
    reading.close();
    expect(await move(path('data'), redis.url)).toMatchObject({ code: 0 });
    const onStore = await start({ ORCHD_STORE: redis.url });
    await onStore.reached(taskId, 'failed');
    const { events } = await onStore.read(taskId);
    expect(events.filter(({ type }) => type === 'token').length).toBeGreaterThanOrEqual(100);
    expect(events.at(-1)).toMatchObject({ type: 'error', data: { code: 'ORCHESTRATOR_RESTARTED' } });
  });

  it('is refused while a service runs on either side, and where the target is not empty', async () => {
    await start({ ORCHD_DATA_DIR: path('data') });
    expect(await move(path('data'), redis.url)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/in use|cannot be read/),
    });
    await stop();
    await start({ ORCHD_STORE: redis.url });
    expect(await move(path('data'), redis.url)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/a node running/),
    });
    expect(await move(redis.url, path('new'))).toMatchObject({
      code: 1,
      text: expect.stringMatching(/a node running/),
    });
    await stop();
    await command(redis.port, ['SET', '{orchestratord}:notes', 'x']);
    expect(await move(path('data'), redis.url)).toMatchObject({ code: 1, text: expect.stringMatching(/is not empty/) });
    mkdirSync(path('full/journal/old'), { recursive: true });
    await command(redis.port, ['DEL', '{orchestratord}:notes']);
    expect(await move(redis.url, path('full'))).toMatchObject({
      code: 1,
      text: expect.stringMatching(/is not empty: it holds journal/),
    });
    expect(await move(path('nowhere'), redis.url)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/no data folder/),
    });
  });

  it('is done though nobody can be told of it, and its exit code says so', async () => {
    await start({ ORCHD_DATA_DIR: path('data') });
    await stop();
    const env = { PATH: process.env.PATH ?? '' };
    const moved = async (from: string, to: string, stdout: number | 'pipe') => {
      const args = [resolve('dist/main.js'), 'move', '--from', path(from), '--to', path(to)];
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', stdout, 'pipe'] });
      // As where its output goes into `head`, which has seen enough.
      child.stdout?.destroy();
      let errors = '';
      child.stderr?.on('data', (text: Buffer) => (errors += text.toString()));
      const code = await new Promise(settle => child.on('close', settle));
      return { code, errors };
    };
    expect(await moved('data', 'once', 'pipe')).toEqual({ code: 0, errors: '' });
    const full = await moved('once', 'again', openSync('/dev/full', 'w'));
    expect(full).toEqual({
      code: 0,
      errors: expect.stringMatching(/^What the move has to say cannot be written: .*\n$/),
    });
    expect(await moved('nowhere', 'new', 'pipe')).toEqual({ code: 1, errors: '' });
    await start({ ORCHD_DATA_DIR: path('again') });
  });

  it('takes a batch that has not ended along, with what it has written: it goes on there, each line once', async () => {
    const chats = await startEngine({ wire: 'vllm', model: 'some-model', slots: 2, tokensPerSecond: 400 });
    onTestFinished(() => chats.stop());
    const env = { ORCHD_ENGINE_URLS: `vllm=${chats.url}`, ORCHD_ENGINE_SLOTS: '2' };
    await start({ ORCHD_DATA_DIR: path('data'), ...env });
    const lines = Array.from({ length: 40 }, (_, at) => chatLine(`line-${at}`, { max_tokens: 20 }));
    const first = new BatchClient((service as RunningService).url);
    const { id } = await first.begin(lines);
    await first.until(id, ({ request_counts: { completed } }) => completed >= 5);
    await service?.stop('SIGKILL');
    expect(await move(path('data'), redis.url)).toMatchObject({ code: 0 });
    await start({ ORCHD_STORE: redis.url, ...env });
    const then = new BatchClient((service as RunningService).url);
    const done = await then.untilEnded(id);
    expect([done.status, done.request_counts]).toEqual(['completed', { total: 40, completed: 40, failed: 0 }]);
    const ids = (await then.results(done.output_file_id)).map(({ custom_id: line }) => line);
    expect([ids.length, new Set(ids).size]).toEqual([40, 40]);
  });

  it('of a batch that an older version began keeps its files from being deleted on either side (B-BAT-009)', async () => {
    await start({ ORCHD_DATA_DIR: path('data') });
    const first = new BatchClient((service as RunningService).url);
    const inputId = await first.upload(`${chatLine('waits')}\n`);
    const { id } = await first.create(inputId);
    await first.until(id, ({ status }) => status === 'in_progress');
    await stop();
    const deleted = async (env: Record<string, string>) => {
      await start(env);
      const { status, text } = await (service as RunningService).request('DELETE', `/v1/files/${inputId}`);
      await stop();
      return [status, text];
    };
    const inUse = [409, expect.stringContaining(id)];
    const forgetInFile = (): void => {
      const file = openDatabase(join(path('data'), 'records', 'records.db'));
      file.exec('DELETE FROM holds');
      file.close();
    };
    // That version did not tell what a batch holds.
    forgetInFile();
    expect(await move(path('data'), redis.url)).toMatchObject({ code: 0 });
    expect(await deleted({ ORCHD_STORE: redis.url })).toEqual(inUse);
    await command(redis.port, ['HDEL', `{orchestratord}:r:batch:${id}`, 'holds']);
    expect(await move(redis.url, path('after'))).toMatchObject({ code: 0 });
    expect(await deleted({ ORCHD_DATA_DIR: path('after') })).toEqual(inUse);
    forgetInFile();
    expect(await deleted({ ORCHD_DATA_DIR: path('data') })).toEqual(inUse);
  });

  it('that was killed half way is done again, and no service starts before', async () => {
    await fill(await start({ ORCHD_DATA_DIR: path('data'), ...engineOf() }));
    await stop();
    // As a kill leaves them: marked, with a part of what was to come.
    await command(redis.port, ['SET', '{orchestratord}:schema', 'moving']);
    await command(redis.port, ['SET', '{orchestratord}:notes', 'a part']);
    mkdirSync(path('new/moving/journal'), { recursive: true });
    mkdirSync(path('new/catalog'), { recursive: true });
    await expect(start({ ORCHD_STORE: redis.url })).rejects.toThrow(
      /a move into deployment orchestratord was not finished/,
    );
    await expect(start({ ORCHD_DATA_DIR: path('new') })).rejects.toThrow(
      /a move into the data folder .* was not finished/,
    );
    expect(await move(path('data'), redis.url)).toMatchObject({ code: 0 });
    expect(await move(redis.url, path('new'))).toMatchObject({ code: 0 });
    expect(existsSync(path('new/moving'))).toBe(false);
    const tasks = await start({ ORCHD_DATA_DIR: path('new') });
    await eventually(
      () => tasks.view('done-4'),
      ({ state }) => state === 'completed',
    );
  });
});
