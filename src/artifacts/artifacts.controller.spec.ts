import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInProcess, type InProcessService } from '../../test/support/in-process';
import { Lifecycle } from '../lifecycle/lifecycle';
import { ArtifactStore } from './artifact-store.port';
import { ArtifactsService } from './artifacts.service';
import { canonicalDocument } from './canonical-json';

let service: InProcessService;
beforeAll(async () => {
  service = await createInProcess({ ORCHD_TRANSCRIPT_RETENTION_MS: '1' });
  await service.app.init();
  service.app.get(Lifecycle).ready();
});
afterAll(() => service.close());

type Answer = Awaited<ReturnType<typeof request>>;

function request(method: InjectOptions['method'], path: string, body?: string, headers: Record<string, string> = {}) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return service.app.inject({
    method: method ?? 'GET',
    url: `/v2/artifacts${path}`,
    headers: { host: '127.0.0.1', 'x-api-key': 'test-key', ...type, ...headers },
    ...(body !== undefined && { payload: body }),
  });
}

async function created(body: string): Promise<string> {
  const answer = await request('POST', '', body);
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json<{ id: string }>().id;
}

const ids = (answer: Answer): string[] => answer.json<{ items: { id: string }[] }>().items.map(({ id }) => id);

describe('/v2/artifacts', () => {
  it('takes any JSON document, and gives it back in canonical form', async () => {
    for (const [sent, stored] of [
      ['null', 'null'],
      ['"text"', '"text"'],
      [' -0.0 ', '0'],
      ['[1, {"b": 2, "a": 1}]', '[1,{"a":1,"b":2}]'],
      ['{"constructor": {"x": 1}, "toString": null}', '{"constructor":{"x":1},"toString":null}'],
    ] as const) {
      const answer = await request('GET', `/${await created(sent)}`);
      expect([answer.statusCode, answer.body]).toEqual([200, stored]);
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    }
    expect(await created('{"x":1,"y":2}')).toBe(await created('{ "y": 2.0, "x": 1 }'));
  });

  it.each([
    ['', 400, 'INVALID_PARAMS'],
    ['{"a":1', 400, 'INVALID_PARAMS'],
    ['[1e999]', 400, 'INVALID_PARAMS'],
    ['"\\ud800"', 400, 'INVALID_PARAMS'],
    ['['.repeat(65) + ']'.repeat(65), 400, 'INVALID_PARAMS'],
    [`"${'x'.repeat(1024 * 1024)}"`, 413, 'BODY_TOO_LARGE'],
  ])('refuses what has no canonical form or is too large (%#)', async (body, status, code) => {
    const answer = await request('POST', '', body);
    expect([answer.statusCode, answer.json()]).toMatchObject([status, { code, field: 'body' }]);
  });

  it('names its content by an ETag that never goes stale, and no error by one', async () => {
    const id = await created('{"cached":true}');
    const { headers } = await request('GET', `/${id}`);
    expect(headers).toMatchObject({ etag: `"${id}"`, 'cache-control': 'private, max-age=31536000, immutable' });
    const again = await request('GET', `/${id}`, undefined, { 'if-none-match': `W/"x", "${id}"` });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    const missing = await request('GET', `/${'0'.repeat(64)}`, undefined, { 'if-none-match': `"${'0'.repeat(64)}"` });
    expect([missing.statusCode, missing.json()]).toMatchObject([404, { code: 'ARTIFACT_NOT_FOUND' }]);
    expect(missing.headers['cache-control']).toBeUndefined();
  });

  it.each(['unknown', 'ABC', '..%2f..%2fetc%2fpasswd', '%00', 'A'.repeat(64), 'constructor'])(
    'has nothing under %s',
    async id => {
      for (const method of ['GET', 'DELETE'] as const) {
        const answer = await request(method, `/${id}`);
        expect([answer.statusCode, answer.json()]).toMatchObject([404, { code: 'ARTIFACT_NOT_FOUND' }]);
      }
    },
  );

  it('lists page after page, and ends without a cursor', async () => {
    const store = service.app.get(ArtifactStore);
    for (let n = 0; n < 4; n++) await store.put(canonicalDocument({ page: n }), 'transcript', `task-${n % 2}`);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const answer = await request('GET', `?kind=transcript&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...ids(answer));
      cursor = answer.json<{ next_cursor?: string }>().next_cursor;
    } while (cursor !== undefined && seen.length < 10);
    expect(seen.sort()).toEqual([0, 1, 2, 3].map(n => canonicalDocument({ page: n }).id).sort());
    const ofTask = await request('GET', '?task_id=task-1');
    expect(ofTask.json()).toMatchObject({
      items: [{ kind: 'transcript', task_id: 'task-1', bytes: 10 }, { task_id: 'task-1' }],
    });
    expect(ids(await request('GET', '?task_id=task-1&kind=document'))).toEqual([]);
  });

  it.each([
    '?kind=blob',
    '?limit=0',
    '?limit=x',
    '?cursor=x',
    '?task_id=a%2fb',
    `?cursor=${Buffer.from('["a",1]').toString('base64url')}`,
  ])('refuses the list %s', async query => {
    const answer = await request('GET', query);
    expect([answer.statusCode, answer.json()]).toMatchObject([
      400,
      { code: 'INVALID_PARAMS', field: query.slice(1).split('=')[0] },
    ]);
  });

  it('deletes once', async () => {
    const id = await created('"to be deleted"');
    expect((await request('DELETE', `/${id}`)).statusCode).toBe(204);
    expect((await request('DELETE', `/${id}`)).statusCode).toBe(404);
    expect((await request('GET', `/${id}`)).statusCode).toBe(404);
  });

  it('answers for a damaged file with an error that is not cached and not worth another try', async () => {
    const id = await created('"soon damaged"');
    const shard = join(service.config.dataDir, 'artifacts', id.slice(0, 1));
    const name = readdirSync(shard).find(each => each.startsWith(id)) ?? '';
    writeFileSync(join(shard, name), '"now damaged "');
    const answer = await request('GET', `/${id}`);
    expect([answer.statusCode, answer.json()]).toMatchObject([500, { code: 'INTERNAL', retriable: false }]);
    expect(answer.headers['cache-control']).toBeUndefined();
    expect((await request('GET', `/${id}`)).statusCode).toBe(404);
  });
});

describe('retention', () => {
  it('removes all transcripts past their time, however many, and leaves documents', async () => {
    const store = service.app.get(ArtifactStore);
    const kept = await created('"a document is kept"');
    await Promise.all(
      Array.from({ length: 1500 }, (_, n) => store.put({ ...canonicalDocument({ n }) }, 'transcript', `old-${n}`)),
    );
    await new Promise(resolve => setTimeout(resolve, 5)); // Past the millisecond they are kept.
    await service.app.get(ArtifactsService).removeOldTranscripts();
    expect(await store.list({ kind: 'transcript', limit: 10 })).toEqual([]);
    expect(await store.get(kept)).toBe('"a document is kept"');
  });
});
