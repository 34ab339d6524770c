import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startService, stopService } from '../../src/service';
import { eventually } from '../support/deadline';
import { createInProcess, type InProcessService } from '../support/in-process';
import { mountSmallDisk } from '../support/small-disk';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

type Members = Readonly<Record<string, unknown>>;

const key = { 'X-API-Key': 'test-key' };
const boundary = 'the-boundary';
let service: InProcessService | undefined;
let url = '';
let folder: TemporaryFolder | undefined;

async function start(env: Record<string, string> = {}): Promise<void> {
  folder ??= temporaryFolder();
  service = await createInProcess({ ORCHD_DATA_DIR: join(folder.path, 'data'), ...env });
  url = await startService(service.app, service.config);
}

async function stop(): Promise<void> {
  if (service) await stopService(service.app);
  service = undefined;
}

async function end(): Promise<void> {
  await stop();
  folder?.remove();
  folder = undefined;
}

function formOf(content: string | Blob, purpose: string | null = 'batch', name = 'file'): FormData {
  const form = new FormData();
  if (purpose !== null) form.set('purpose', purpose);
  form.set(name, new Blob([content]), 'lines.jsonl');
  return form;
}

const send = (body: FormData | string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/files`, { method: 'POST', body, headers: { ...key, ...headers } });
const ask = async (path: string, method = 'GET') => {
  const answer = await fetch(`${url}${path}`, { method, headers: key });
  return { status: answer.status, json: (await answer.json()) as Members };
};
const errorOf = async (answer: Response) => ({
  status: answer.status,
  ...((await answer.json()) as { error: { message: string; param: string | null; code: string } }).error,
});
const filesFolder = (): string => join(folder?.path ?? '', 'data', 'files');
const left = (): string[] => readdirSync(filesFolder());
const filesListed = async () => (await ask('/v1/files')).json['data'];

function part(name: string, content: string, more = ''): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
}

/** A request whose head says this length, and that says this much of its body and nothing more. */
async function rawUpload(length: string, body: string): Promise<{ text: () => string; end: () => void }> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', piece => (text += String(piece)));
  socket.write(
    `POST /v1/files HTTP/1.1\r\nHost: x\r\nX-API-Key: test-key\r\n${length}\r\n` +
      `Content-Type: multipart/form-data; boundary=${boundary}\r\n\r\n${body}`,
  );
  return { text: () => text, end: () => socket.destroy() };
}

describe('a file', () => {
  afterEach(end);

  it('is uploaded, found, read, listed and gone from disk once it is deleted (B-FIL-001)', async () => {
    await start();
    const form = formOf('{"a":1}\n');
    // As clients add them: nobody reads it, and so it may be of any length.
    form.append('note', 'x'.repeat(5000));
    const made = (await (await send(form)).json()) as Members;
    expect(made).toMatchObject({
      object: 'file',
      bytes: 8,
      filename: 'lines.jsonl',
      purpose: 'batch',
      status: 'processed',
    });
    expect(String(made['id'])).toMatch(/^file-[0-9a-f]{32}$/);
    const path = `/v1/files/${String(made['id'])}`;
    expect(await ask(path)).toEqual({ status: 200, json: made });
    expect(await filesListed()).toEqual([made]);
    const content = await fetch(`${url}${path}/content`, { headers: key });
    expect([content.headers.get('content-length'), await content.text()]).toEqual(['8', '{"a":1}\n']);
    expect(left()).toEqual([made['id']]);
    expect(await ask(path, 'DELETE')).toEqual({ status: 200, json: { id: made['id'], object: 'file', deleted: true } });
    expect([left(), await filesListed()]).toEqual([[], []]);
    for (const gone of [await ask(path), await ask(`${path}/content`), await ask(path, 'DELETE')])
      expect([gone.status, (gone.json['error'] as Members)['code']]).toEqual([404, 'file_not_found']);
  });

  it('may say its purpose, and how long it is kept, after its content (B-FIL-001)', async () => {
    await start();
    const body =
      part('file', 'x', '; filename="a.txt"') +
      part('purpose', 'user_data') +
      part('expires_after[anchor]', 'created_at') +
      part('expires_after[seconds]', '3600') +
      `--${boundary}--\r\n`;
    const answer = await send(body, { 'Content-Type': `multipart/form-data; boundary=${boundary}` });
    const made = (await answer.json()) as Members;
    expect(made).toMatchObject({ bytes: 1, purpose: 'user_data', filename: 'a.txt' });
    expect(Number(made['expires_at']) - Number(made['created_at'])).toBe(3600);
  });

  it('is listed in pages, by when it was made and by purpose (B-FIL-002)', async () => {
    await start();
    const ids: unknown[] = [];
    for (const purpose of ['batch', 'user_data', 'batch', 'batch'])
      ids.push(((await (await send(formOf('x', purpose))).json()) as Members)['id']);
    const page = async (query: string) => {
      const { json } = await ask(`/v1/files?${query}`);
      return [(json['data'] as Members[]).map(({ id }) => ids.indexOf(id)), json['has_more']];
    };
    expect(await page('limit=2')).toEqual([[3, 2], true]);
    expect((await ask('/v1/files?limit=2')).json).toMatchObject({ object: 'list', first_id: ids[3], last_id: ids[2] });
    expect(await page(`limit=2&after=${String(ids[2])}`)).toEqual([[1, 0], false]);
    expect(await page('order=asc&limit=3')).toEqual([[0, 1, 2], true]);
    expect(await page('purpose=batch&limit=2&order=asc')).toEqual([[0, 2], true]);
    expect((await ask('/v1/files?after=nobody')).json['error']).toMatchObject({ param: 'after' });
    expect((await ask('/v1/files?limit=0')).json['error']).toMatchObject({ param: 'limit' });
    expect((await ask('/v1/files?order=up')).json['error']).toMatchObject({ param: 'order' });
  });

  it('is there after a restart; what was not kept, and what belongs to nobody, is not (B-FIL-004)', async () => {
    await start();
    const { id } = (await (await send(formOf('kept'))).json()) as Members;
    await stop();
    for (const name of ['.tmp-0123', 'file-nobodys']) writeFileSync(join(filesFolder(), name), 'x');
    await start();
    await eventually(
      () => Promise.resolve(left()),
      names => names.length === 1,
    );
    expect(await (await fetch(`${url}/v1/files/${String(id)}/content`, { headers: key })).text()).toBe('kept');
  });
});

describe('what is no good upload is refused, and leaves nothing behind (B-FIL-003)', () => {
  beforeAll(() => start({ ORCHD_FILE_MAX_BYTES: '4096' }));
  afterAll(end);

  const type = { 'Content-Type': `multipart/form-data; boundary=${boundary}` };
  const file = part('file', 'x', '; filename="a"');
  const cases: readonly [
    what: string,
    body: FormData | string,
    headers: Record<string, string>,
    status: number,
    param: string | null,
  ][] = [
    ['no purpose', formOf('x', null), {}, 400, 'purpose'],
    ['a purpose that nobody knows', formOf('x', 'fun'), {}, 400, 'purpose'],
    ['a file by another name', formOf('x', 'batch', 'upload'), {}, 400, 'upload'],
    ['no file', part('purpose', 'batch') + `--${boundary}--`, type, 400, 'file'],
    ['an empty file', formOf(''), {}, 400, 'file'],
    ['two files', part('purpose', 'batch') + file + file + `--${boundary}--`, type, 400, 'file'],
    ['a form without its end', part('purpose', 'batch') + file, type, 400, 'body'],
    ['no form at all', 'nonsense', type, 400, 'body'],
    ['a form without a boundary', 'x', { 'Content-Type': 'multipart/form-data' }, 400, 'body'],
    ['JSON', '{}', { 'Content-Type': 'application/json' }, 415, null],
    [
      'a time that is too short',
      file +
        part('purpose', 'batch') +
        part('expires_after[anchor]', 'created_at') +
        part('expires_after[seconds]', '5') +
        `--${boundary}--`,
      type,
      400,
      'expires_after[seconds]',
    ],
    ['a field that is too long', part('purpose', 'x'.repeat(5000)) + file + `--${boundary}--`, type, 400, 'purpose'],
    ['too many fields', part('purpose', 'batch').repeat(50) + file + `--${boundary}--`, type, 400, 'body'],
    ['a file that is too large', formOf('x'.repeat(5000)), {}, 413, 'file'],
  ];
  it.each(cases)('%s', async (_what, body, headers, status, param) => {
    const answer = await send(body, headers);
    expect(await errorOf(answer)).toMatchObject({ status, param });
    expect([left(), await filesListed()]).toEqual([[], []]);
  });

  it('a form that says it is too large, before it is sent', async () => {
    const told = await rawUpload('Content-Length: 100000\r\nExpect: 100-continue', '');
    await eventually(
      () => Promise.resolve(told.text()),
      text => text.includes('ORCHD_FILE_MAX_BYTES'),
    );
    told.end();
    expect(told.text()).toMatch(/^HTTP\/1.1 413 /);
  });

  it('a form at a route that takes JSON', async () => {
    const answer = await fetch(`${url}/v2/tasks`, { method: 'POST', body: formOf('x'), headers: key });
    expect(answer.status).toBe(415);
  });
});

describe('an upload that does not come to its end leaves nothing behind (B-FIL-003)', () => {
  afterEach(end);

  it('for it is cut half way, or shorter than it says', async () => {
    await start();
    const whole = part('purpose', 'batch') + part('file', 'x'.repeat(100_000), '; filename="a"') + `--${boundary}--`;
    const cut = await rawUpload(`Content-Length: ${whole.length}`, whole.slice(0, 50_000));
    await eventually(
      () => Promise.resolve(left()),
      names => names.length === 1,
    );
    cut.end();
    await eventually(
      () => Promise.resolve(left()),
      names => names.length === 0,
    );
    const lying = await rawUpload('Content-Length: 50000', whole.slice(0, 50_000));
    await eventually(
      () => Promise.resolve(lying.text()),
      text => text.includes('complete multipart'),
    );
    lying.end();
    expect([left(), await filesListed()]).toEqual([[], []]);
  });

  it('for all files together have as much as they may, until one is deleted', async () => {
    await start({ ORCHD_FILES_MAX_BYTES: String(1024 * 1024) });
    const { id } = (await (await send(formOf('x'.repeat(700_000)))).json()) as Members;
    expect(await errorOf(await send(formOf('x'.repeat(700_000))))).toMatchObject({ status: 507, code: 'storage_full' });
    expect(left()).toEqual([id]);
    await ask(`/v1/files/${String(id)}`, 'DELETE');
    expect((await send(formOf('x'.repeat(700_000)))).status).toBe(200);
  });

  it('for the disk is full', async context => {
    const disk = mountSmallDisk(48);
    if (!disk) return context.skip();
    try {
      folder = { path: disk.path, remove: () => undefined };
      await start();
      const made = (await (await send(formOf('x'.repeat(1000)))).json()) as Members;
      const { id } = made;
      expect(made).toMatchObject({ bytes: 1000 });
      const answer = await send(formOf('x'.repeat(56_000_000)));
      expect(await errorOf(answer)).toMatchObject({ status: 507, code: 'storage_full' });
      expect(left()).toEqual([id]);
    } finally {
      await end();
      disk.unmount();
    }
  });
});
