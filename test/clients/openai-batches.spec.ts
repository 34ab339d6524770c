import type OpenAI from 'openai';
import { ConflictError, NotFoundError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { ValidatingFetch } from '../openai/valid-answers';
import { chatLine, ended, type ResultLine } from '../support/batch-client';
import { eventually } from '../support/deadline';
import type { RunningService } from '../support/service';
import { bindEngine, clientOf, startForClients } from './openai-stage';

/** Files and batches by npm's `openai`, against the built service. */

let service: RunningService;
let engine: RunningEngine;
let client: OpenAI;
const looking = new ValidatingFetch();

beforeAll(async () => {
  engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: 4, tokensPerSecond: 400 });
  service = await startForClients();
  client = clientOf(service, looking);
  await bindEngine(service, 'gpu', engine.url, 4);
});
afterAll(async () => {
  expect(await looking.faults()).toEqual([]);
  await service.stop();
  await engine.stop();
});

const linesOf = (text: string): ResultLine[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as ResultLine);

async function upload(lines: readonly string[]): Promise<string> {
  const file = await toFile(Buffer.from(`${lines.join('\n')}\n`), 'night.jsonl');
  return (await client.files.create({ file, purpose: 'batch' })).id;
}

const untilEnded = (id: string): Promise<OpenAI.Batch> =>
  eventually(
    () => client.batches.retrieve(id),
    ({ status }) => ended.includes(status),
  );

describe("files and batches of npm's openai", () => {
  it('come from a file to its answers', async () => {
    const lines = Array.from({ length: 25 }, (_, at) => chatLine(`line-${at}`));
    const input = await upload([...lines, chatLine('nobody', { model: 'nobody-has-it' })]);
    const batch = await client.batches.create({
      input_file_id: input,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { night: 'first' },
    });
    const done = await untilEnded(batch.id);
    expect(done).toMatchObject({
      status: 'completed',
      metadata: { night: 'first' },
      request_counts: { total: 26, completed: 25, failed: 1 },
    });
    const output = linesOf(await (await client.files.content(done.output_file_id ?? '')).text());
    expect(new Set(output.map(({ custom_id: id }) => id)).size).toBe(25);
    const errors = linesOf(await (await client.files.content(done.error_file_id ?? '')).text());
    expect(errors).toMatchObject([{ custom_id: 'nobody', response: { status_code: 404 }, error: null }]);
    const listed: string[] = [];
    for await (const { id } of client.batches.list({ limit: 1 })) listed.push(id);
    expect(listed).toContain(batch.id);
  });

  it('are listed, retrieved and deleted', async () => {
    const [first, second] = [await upload([chatLine('a')]), await upload([chatLine('b')])];
    const ids: string[] = [];
    for await (const { id } of client.files.list({ purpose: 'batch', limit: 1 })) ids.push(id);
    expect(ids.slice(0, 2)).toEqual([second, first]);
    expect(await client.files.retrieve(first)).toMatchObject({
      id: first,
      filename: 'night.jsonl',
      status: 'processed',
    });
    expect(await client.files.delete(first)).toEqual({ id: first, object: 'file', deleted: true });
    await expect(client.files.retrieve(first)).rejects.toThrow(NotFoundError);
    await expect(client.batches.retrieve('batch_nobody')).rejects.toThrow(NotFoundError);
  });

  it('are cancelled, and the file can be deleted after that', async () => {
    // No line of it ends before it is cancelled, however slow the machine is.
    engine.control({ faults: { 'stall-prefill': Infinity } });
    const input = await upload(Array.from({ length: 40 }, (_, at) => chatLine(`line-${at}`)));
    const { id } = await client.batches.create({
      input_file_id: input,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    await expect(client.files.delete(input)).rejects.toThrow(ConflictError);
    await client.batches.cancel(id);
    expect((await untilEnded(id)).status).toBe('cancelled');
    engine.control({ faults: {} });
    await client.files.delete(input);
  });
});
