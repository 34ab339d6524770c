import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine } from '../support/batch-client';
import { LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { ask, told, TwoNodes } from '../support/two-nodes';

const SLOTS = 4;

describe.skipIf(!hasRedisServer())('files of two nodes over one store', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;
  let a: BatchClient;
  let b: BatchClient;

  beforeAll(async () => {
    engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: SLOTS, tokensPerSecond: 0 });
    nodes = await TwoNodes.start({ ORCHD_ENGINE_URLS: `vllm=${engine.url}`, ORCHD_ENGINE_SLOTS: String(SLOTS) });
    await nodes.ready('vllm');
    [a, b] = [new BatchClient(nodes.a.url), new BatchClient(nodes.b.url)];
  });
  afterAll(async () => {
    await nodes.stop();
    await engine.stop();
  });

  const ids = async (node: TwoNodes['a']): Promise<readonly string[]> =>
    ((await told(node, 'GET', '/v1/files')) as { data: { id: string }[] }).data.map(({ id }) => id);

  it('are uploaded at one, and listed, told of, read and deleted at the other (B-ND-013)', async () => {
    const content = Array.from({ length: 40_000 }, (_, at) => `line ${at} é\n`).join('');
    const id = await a.upload(content);
    expect(await told(nodes.b, 'GET', `/v1/files/${id}`)).toEqual(await told(nodes.a, 'GET', `/v1/files/${id}`));
    expect(await ids(nodes.b)).toContain(id);
    expect(await b.content(id)).toBe(content);
    await b.remove(id);
    for (const node of [nodes.a, nodes.b]) {
      expect((await ask(node, 'GET', `/v1/files/${id}`)).status).toBe(404);
      expect((await ask(node, 'GET', `/v1/files/${id}/content`)).status).toBe(404);
      expect(await ids(node)).not.toContain(id);
    }
  });

  it('that are uploaded at one are run as a batch by the other, and what that wrote is read at the first (B-ND-013)', async () => {
    const lines = Array.from({ length: 20 }, (_, at) => chatLine(`line-${at}`));
    const fileId = await a.upload(lines.join('\n'));
    const done = await b.untilEnded((await b.create(fileId)).id);
    expect(done.request_counts).toEqual({ total: 20, completed: 20, failed: 0 });
    const found = (await a.results(done.output_file_id)).map(({ custom_id: id }) => id);
    expect(found.sort()).toEqual(Array.from({ length: 20 }, (_, at) => `line-${at}`).sort());
  });
});
