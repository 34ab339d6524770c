import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startService, stopService } from '../../src/service';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { createInProcess, type InProcessService } from '../support/in-process';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* How many responses, files and batches are kept, and what becomes of those beyond that. */

const key = { 'X-API-Key': 'test-key' };
let engine: RunningEngine;
let service: InProcessService;
let folder: TemporaryFolder;
let url = '';
let client: BatchClient;

async function start(env: Record<string, string>): Promise<void> {
  folder = temporaryFolder();
  engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: 4, tokensPerSecond: 0, ctxTokens: 1e7 });
  service = await createInProcess({
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
    ORCHD_ENGINE_SLOTS: '4',
    ORCHD_PROBE_INTERVAL_MS: '50',
    ...env,
  });
  url = await startService(service.app, service.config);
  client = new BatchClient(url);
  await eventually(
    async () => (await (await fetch(`${url}/v2/pools/vllm/health`, { headers: key })).json()) as { ready?: boolean },
    ({ ready }) => ready === true,
  );
}

afterEach(async () => {
  await stopService(service.app);
  await engine.stop();
  folder.remove();
});

async function respond(input: string): Promise<string> {
  const answer = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { ...key, 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'some-model', input, max_output_tokens: 4 }),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { id: string }).id;
}

const statusOf = async (path: string): Promise<number> => (await fetch(url + path, { headers: key })).status;
const statusesOf = (paths: readonly string[]): Promise<number[]> => Promise.all(paths.map(statusOf));

function upload(): Promise<Response> {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([chatLine('one')]), 'lines.jsonl');
  return fetch(`${url}/v1/files`, { method: 'POST', headers: key, body: form });
}

describe('responses that are kept (B-RSP-009)', () => {
  it('are no more than so many: the oldest goes', async () => {
    await start({ ORCHD_RESPONSES_MAX: '2' });
    const paths: string[] = [];
    for (const input of ['a', 'b', 'c']) paths.push(`/v1/responses/${await respond(input)}`);
    // The end of the third is written beside its answer.
    await eventually(
      () => statusesOf(paths),
      statuses => statuses[0] === 404,
    );
    expect(await statusesOf(paths)).toEqual([404, 200, 200]);
  });

  it('have no more than so many bytes: the oldest goes', async () => {
    await start({ ORCHD_RESPONSES_MAX_BYTES: String(1024 * 1024) });
    const paths: string[] = [];
    for (const letter of ['a', 'b', 'c']) paths.push(`/v1/responses/${await respond(letter.repeat(400_000))}`);
    expect(await statusesOf(paths)).toEqual([404, 200, 200]);
  });
});

describe('files that are kept (B-FIL-005)', () => {
  it('are no more than so many: further ones are refused until some are deleted, many at once too', async () => {
    await start({ ORCHD_FILES_MAX: '3' });
    const first = (await (await upload()).json()) as { id: string };
    const answers = await Promise.all(Array.from({ length: 6 }, upload));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 507, 507, 507, 507]);
    const refused = answers.find(({ status }) => status === 507);
    expect(await refused?.json()).toMatchObject({
      error: { code: 'storage_full', param: 'file', message: expect.stringContaining('ORCHD_FILES_MAX') as unknown },
    });
    expect(refused?.headers.get('x-should-retry')).toBe('false');
    await client.remove(first.id);
    expect((await upload()).status).toBe(200);
  });
});

describe('batches that are kept (B-BAT-008)', () => {
  it('are no more than so many: the oldest of those that have ended is forgotten, and its files stay', async () => {
    await start({ ORCHD_BATCHES_KEPT_MAX: '1' });
    const batches = [];
    for (const name of ['a', 'b']) {
      const { id } = await client.begin([chatLine(name)]);
      batches.push(await client.untilEnded(id));
    }
    const [first, second] = batches;
    expect(await statusesOf([`/v1/batches/${first?.id}`, `/v1/batches/${second?.id}`])).toEqual([404, 200]);
    expect(await client.results(first?.output_file_id ?? null)).toHaveLength(1);
  });

  it('are refused while so many are open', async () => {
    await start({ ORCHD_BATCHES_MAX: '1', ORCHD_BATCH_LINES_AT_ONCE: '1' });
    const lines = Array.from({ length: 200 }, (_, at) => chatLine(String(at), { max_tokens: 50 }));
    const { id } = await client.begin(lines);
    await expect(client.begin([chatLine('b')])).rejects.toThrow(/429.*ORCHD_BATCHES_MAX/);
    await client.cancel(id);
    await client.untilEnded(id);
    await client.begin([chatLine('b')]);
  });
});
