import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';

/* What clients delete, or ask not to be kept, is looked for in every byte below the data folder: journal, records, transcripts, files. */

const SAID = 'a-word-of-the-client';
const ANSWERED = 'aWordOfTheEngine';
let engine: RunningEngine;
let service: RunningService;

beforeAll(async () => {
  const words = { vocabulary: [` ${ANSWERED}`] };
  engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: 4, tokensPerSecond: 0, ...words });
  service = await startService({
    env: { ORCHD_ENGINE_URLS: `vllm=${engine.url}`, ORCHD_ENGINE_SLOTS: '4', ORCHD_PROBE_INTERVAL_MS: '50' },
  });
  await eventually(
    async () => (await service.request('GET', '/v2/pools/vllm/health')).json<{ ready?: boolean }>(),
    ({ ready }) => ready === true,
  );
});
afterAll(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
});

/** Files below the data folder that hold one of both words. */
function traces(): string[] {
  return readdirSync(service.dataDir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter(path => {
      const content = contentOf(path);
      return content.includes(SAID) || content.includes(ANSWERED);
    })
    .map(path => path.slice(service.dataDir.length + 1));
}

/** Packs of transcripts come and go. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw thrown;
  }
}

/** Removed rows stand in the write-ahead logs for some seconds. */
const untilNothingIsLeft = (): Promise<string[]> =>
  eventually(
    () => Promise.resolve(traces()),
    found => found.length === 0,
  );

async function respond(more: object): Promise<string> {
  const body = { model: 'some-model', input: SAID, max_output_tokens: 200, ...more };
  const answer = await service.request('POST', '/v1/responses', { body });
  expect([answer.status, answer.text.includes(ANSWERED) || 'background' in more]).toEqual([200, true]);
  return 'stream' in more ? '' : answer.json<{ id: string }>().id;
}

describe('below the data folder nothing is left', () => {
  it.each([
    ['plain', {}],
    ['streamed', { stream: true }],
  ])('of a response that is not to be stored: %s (B-RSP-006)', async (_what, more) => {
    await respond({ store: false, ...more });
    expect(await untilNothingIsLeft()).toEqual([]);
  });

  it('of a response that was deleted (B-RSP-006)', async () => {
    const id = await respond({ store: true });
    expect(traces()).not.toEqual([]);
    expect((await service.request('DELETE', `/v1/responses/${id}`)).status).toBe(200);
    expect(await untilNothingIsLeft()).toEqual([]);
  });

  it('of a response that was deleted while it ran in the background (B-RSP-006)', async () => {
    const id = await respond({ background: true, max_output_tokens: 100_000 });
    expect((await service.request('DELETE', `/v1/responses/${id}`)).status).toBe(200);
    expect(await untilNothingIsLeft()).toEqual([]);
  });

  it('of items that were taken out of a conversation, and of one that was deleted (B-RSP-011)', async () => {
    const items = [{ role: 'user', content: SAID }];
    const { id } = (await service.request('POST', '/v1/conversations', { body: { items } })).json<{ id: string }>();
    const path = `/v1/conversations/${id}/items`;
    const takeOut = async (): Promise<void> => {
      for (const item of (await service.request('GET', path)).json<{ data: readonly { id: string }[] }>().data)
        expect((await service.request('DELETE', `${path}/${item.id}`)).status).toBe(200);
    };
    expect(traces()).not.toEqual([]);
    await takeOut();
    expect(await untilNothingIsLeft()).toEqual([]);
    const responseId = await respond({ conversation: id });
    const { text } = await service.request('GET', path);
    expect([text.includes(SAID), text.includes(ANSWERED)]).toEqual([true, true]);
    expect((await service.request('DELETE', `/v1/responses/${responseId}`)).status).toBe(200);
    expect((await service.request('DELETE', `/v1/conversations/${id}`)).status).toBe(200);
    expect(await untilNothingIsLeft()).toEqual([]);
  });

  it('of a file that was deleted (B-FIL-001)', async () => {
    const client = new BatchClient(service.url, service.apiKey);
    const fileId = await client.upload(chatLine('one', { user: SAID }));
    expect(traces()).toEqual([join('files', fileId)]);
    await client.remove(fileId);
    expect(traces()).toEqual([]);
  });
});
