import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually, LAST_RESORT_MS } from '../../test/support/deadline';
import { createInProcess, type InProcessService } from '../../test/support/in-process';
import { Alarms } from '../time/alarms';
import { CatalogService } from './catalog.service';
import { ModelVerifier } from './model-verifier';
import { PATIENCE_MS } from './verification.service';

let service: InProcessService;
beforeAll(async () => {
  service = await createInProcess();
  await service.app.init();
  // A request waits two seconds for a verification: here until it is over, however busy the machine is.
  const alarms = service.app.get(Alarms);
  const after = alarms.after.bind(alarms);
  vi.spyOn(alarms, 'after').mockImplementation((ms, ring) => after(Math.max(ms, LAST_RESORT_MS), ring));
});
afterAll(() => service.close());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function request(method: InjectOptions['method'], path = '', body?: unknown): Promise<Answer> {
  const answer = await service.app.inject({
    method: method ?? 'GET',
    url: `/v2/catalog/models${path}`,
    headers: {
      host: '127.0.0.1',
      'x-api-key': 'test-key',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json<Record<string, unknown>>() };
}

const fileOf = (name: string): string => join(service.config.modelsDir, name);
const sha256 = (content: string, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHash('sha256').update(content).digest(encoding);

async function counted(result: string, reason: string): Promise<number> {
  const { values = [] } = (await register.getSingleMetric('catalog_verifications_total')?.get()) ?? {};
  return (
    values.find(({ labels }) => labels.result === result && labels.reason === reason && labels.engine === '')?.value ??
    0
  );
}

describe('describing models', () => {
  it('answers with the whole entry, and again with the same for the same', async () => {
    const model = {
      ...{ id: 'org/model:q4', digest: 'sha256:abc123', source_url: 'hf:org/model', tags: ['q4', 'ü'] },
      ...{ manifests: [{ layers: 1.5 }], signatures: [], sbom: 'text', trust_policy: { a: { b: [null] } } },
    };
    const made = await request('POST', '', model);
    expect(made).toMatchObject({
      status: 201,
      body: { ...model, state: 'Active', local_path: model.id, last_verified_ms: null },
    });
    const again = await request('POST', '', { ...model, unknown: 1 });
    expect(again).toEqual({ ...made, body: { ...made.body, warnings: again.body['warnings'] } });
    expect(again.body['warnings']).toMatchObject([{ field: 'unknown' }]);
    expect(await request('GET', '/org%2Fmodel%3Aq4')).toEqual({ ...made, status: 200 });
    const other = await request('POST', '', { ...model, digest: 'sha256:abc124' });
    expect(other).toMatchObject({ status: 409, body: { code: 'MODEL_CONFLICT', field: 'id' } });
  });

  it.each(['manifests', 'signatures', 'sbom', 'trust_policy'])(
    'keeps %s as they were sent, whatever the names',
    async field => {
      const document = [
        { constructor: { prototype: { polluted: 1 } }, prototype: 5, toString: 'a', hasOwnProperty: null },
      ];
      // The second has what only class-validator can tell to be in order.
      for (const [id, tags] of [
        [`short-${field}`, []],
        [`long-${field}`, ['\u{1F600}'.repeat(100)]],
      ] as const) {
        const { status, body } = await request('POST', '', { id, tags, [field]: document });
        expect([status, body[field]]).toEqual([201, document]);
        expect((await request('GET', `/${id}`)).body[field]).toEqual(document);
        expect((await request('POST', '', { id, tags, [field]: null })).status).toBe(409);
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it.each([{}, { id: '' }, { id: null }])('asks for an id: %j', async body => {
    const answer = await request('POST', '', body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'INVALID_PARAMS', message: 'id required', field: 'id' },
    });
  });

  it.each([
    ['id', 7],
    ['id', '/a'],
    ['id', 'a/../b'],
    ['id', 'a b'],
    ['id', 'a\0'],
    ['id', 'x'.repeat(10_000)],
    ['digest', 'abc123'],
    ['digest', 'sha256:'],
    ['digest', 'sha256:a b'],
    ['source_url', 'javascript:alert(1)'],
    ['source_url', 'https://a b'],
    ['tags', 'a'],
    ['tags', Array(65).fill('a')],
    ['local_path', '/etc/passwd'],
    ['local_path', '../x'],
    ['local_path', 'a\nb'],
    ['manifests', 'x'.repeat(300_000)],
  ])('refuses a bad %s (%#)', async (field, value) => {
    const answer = await request('POST', '', { id: 'bad', [field]: value });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_PARAMS', field } });
  });

  it('lists page after page, without the documents', async () => {
    for (const id of ['list-b', 'list-a', 'list-c']) await request('POST', '', { id, sbom: 'large', tags: ['listed'] });
    const seen: Record<string, unknown>[] = [];
    for (let cursor = ''; ;) {
      const { body } = await request('GET', `?limit=2${cursor}`);
      seen.push(...(body.items as Record<string, unknown>[]));
      if (typeof body.next_cursor !== 'string') break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    const ids = seen.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    const listed = seen.filter(({ id }) => String(id).startsWith('list-'));
    expect(listed.map(({ id }) => id)).toEqual(['list-a', 'list-b', 'list-c']);
    expect(listed.every(entry => entry.sbom === undefined && (entry.tags as string[])[0] === 'listed')).toBe(true);
  });

  it.each(['unknown', '..%2f..%2fx', '%00', 'x'.repeat(300)])('has no model %s', async id => {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/verify'],
    ] as const) {
      expect(await request(method, `/${id}${path}`)).toMatchObject({ status: 404, body: { code: 'MODEL_NOT_FOUND' } });
    }
    const retired = await request('POST', `/${id}/state`, { state: 'Retired' });
    expect(retired).toMatchObject({ status: 404, body: { code: 'MODEL_NOT_FOUND' } });
  });
});

describe('verification', () => {
  const content = 'weights'.repeat(500_000); // Several pieces of a mebibyte.

  it.each([
    [`sha256:${sha256(content)}`, 'passed', 'digest_match'],
    [`SHA256:${sha256(content).toUpperCase()}`, 'passed', 'digest_match'],
    [`sha256:${sha256(content, 'base64')}`, 'passed', 'digest_match'],
    [`sha256:${sha256('other')}`, 'failed', 'digest_mismatch'],
    ['sha256:abc123', 'failed', 'digest_mismatch'],
    ['crc32:12345678', 'skipped', 'unsupported_algorithm'],
    [undefined, 'skipped', 'no_digest'],
  ])('of a file against %s', async (digest, result, reason) => {
    const id = `verify-${String(digest).length}-${reason}-${result}-${String(digest?.slice(0, 3))}`;
    writeFileSync(fileOf('weights'), content);
    await request('POST', '', { id, local_path: 'weights', ...(digest !== undefined && { digest }) });
    const before = await counted(result, reason);
    const startedMs = Date.now();
    const answer = await request('POST', `/${id}/verify`);
    expect(answer).toMatchObject({ status: 202, body: { verification: { result, reason } } });
    expect(answer.body.last_verified_ms).toBeGreaterThanOrEqual(startedMs);
    expect((await request('GET', `/${id}`)).body).toEqual(answer.body);
    expect(await counted(result, reason)).toBe(before + 1);
    const admissible = await service.app.get(CatalogService).admissible(id);
    expect(admissible).toEqual(result === 'failed' ? { ok: false, code: 'MODEL_UNVERIFIED' } : { ok: true });
  });

  it('runs once for all who ask at once', async () => {
    writeFileSync(fileOf('shared'), content);
    await request('POST', '', { id: 'asked', local_path: 'shared', digest: `sha256:${sha256(content)}` });
    const before = await counted('passed', 'digest_match');
    const verifier = service.app.get(ModelVerifier);
    const verify = verifier.verify.bind(verifier);
    // Each who asks sets an alarm as it joins: the check begins when all have.
    const { calls } = vi.mocked(service.app.get(Alarms).after).mock;
    const joined = (): number => calls.filter(([ms]) => ms === PATIENCE_MS).length;
    const all = joined() + 10;
    vi.spyOn(verifier, 'verify').mockImplementationOnce(async entry => {
      await eventually(
        async () => joined(),
        count => count === all,
      );
      return verify(entry);
    });
    const answers = await Promise.all(Array.from({ length: 10 }, () => request('POST', '/asked/verify')));
    expect(new Set(answers.map(({ body }) => body.last_verified_ms)).size).toBe(1);
    expect(await counted('passed', 'digest_match')).toBe(before + 1);
  });

  it('of many models at once comes to an end for each', async () => {
    writeFileSync(fileOf('many'), 'many');
    const ids = Array.from({ length: 6 }, (_, n) => `many-${n}`);
    for (const id of ids) await request('POST', '', { id, local_path: 'many', digest: `sha256:${sha256('many')}` });
    await Promise.all(ids.map(id => request('POST', `/${id}/verify`)));
    const verified = async (): Promise<boolean> =>
      (await Promise.all(ids.map(id => request('GET', `/${id}`)))).every(({ body }) => body.last_verified_ms !== null);
    await expect.poll(verified, { timeout: LAST_RESORT_MS }).toBe(true);
  });
});

describe('retirement', () => {
  it('takes effect at once or at its deadline, and can be taken back', async () => {
    const catalog = service.app.get(CatalogService);
    await request('POST', '', { id: 'retiring' });
    expect((await request('POST', '/retiring/state', { state: 'Retired', deadline_ms: 60_000 })).status).toBe(202);
    expect(await catalog.admissible('retiring')).toEqual({ ok: true });
    const retired = await request('POST', '/retiring/state', { state: 'Retired' });
    expect(retired.body).toMatchObject({ state: 'Retired' });
    expect(retired.body).not.toHaveProperty('retire_deadline_ms');
    expect(await catalog.admissible('retiring')).toEqual({ ok: false, code: 'MODEL_RETIRED' });
    await request('POST', '/retiring/state', { state: 'Active' });
    expect(await catalog.admissible('retiring')).toEqual({ ok: true });
    expect(await catalog.admissible('not in the catalogue')).toEqual({ ok: true });
  });

  it.each([{ state: 'Gone' }, {}, { state: 'Retired', deadline_ms: -1 }, { state: 'Retired', deadline_ms: 1e12 }])(
    'refuses %j',
    async body => {
      await request('POST', '', { id: 'steady' });
      expect((await request('POST', '/steady/state', body)).status).toBe(400);
      expect((await request('GET', '/steady')).body.state).toBe('Active');
    },
  );
});

describe('deletion', () => {
  it('takes the file of the last model that names it', async () => {
    writeFileSync(fileOf('two-names'), 'weights');
    await request('POST', '', { id: 'first', local_path: 'two-names' });
    await request('POST', '', { id: 'second', local_path: './two-names' });
    const catalog = service.app.get(CatalogService);
    expect(await catalog.removeCachedFiles('first')).toMatchObject({ deleted: 0 });
    expect((await request('DELETE', '/first')).status).toBe(204);
    expect(existsSync(fileOf('two-names'))).toBe(true);
    expect((await request('DELETE', '/second')).status).toBe(204);
    expect(existsSync(fileOf('two-names'))).toBe(false);
    expect((await request('GET', '/second')).status).toBe(404);
  });

  it('of the file alone leaves the entry', async () => {
    writeFileSync(fileOf('cached'), 'weights');
    await request('POST', '', { id: 'cached' });
    const catalog = service.app.get(CatalogService);
    expect(await catalog.removeCachedFiles('cached')).toEqual({ deleted: 1 });
    expect(await catalog.removeCachedFiles('cached')).toMatchObject({
      deleted: 0,
      reason: expect.any(String) as string,
    });
    expect((await request('GET', '/cached')).status).toBe(200);
  });
});
