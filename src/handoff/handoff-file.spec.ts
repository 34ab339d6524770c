import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { parseHandoff, readHandoff } from './handoff-file';

const good = {
  url: 'http://127.0.0.1:9090/',
  pool_id: 'gpu-0',
  replica_id: 'r1',
  engine_version: 'b1',
  device_mask: '0',
  engine: 'vllm',
  slots_total: 4,
  slots_free: 4,
  api_key_file: 'gpu-0.key',
};

let folder: TemporaryFolder;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

describe('a handoff file', () => {
  it('is read into a binding', async () => {
    const path = join(folder.path, 'a.json');
    writeFileSync(path, JSON.stringify(good));
    expect(await readHandoff(folder.path, path)).toEqual({
      ok: true,
      handoff: {
        url: 'http://127.0.0.1:9090',
        poolId: 'gpu-0',
        replicaId: 'r1',
        engine: 'vllm',
        engineVersion: 'b1',
        deviceMask: '0',
        slotsTotal: 4,
        apiKeyFile: 'gpu-0.key',
      },
    });
  });

  it.each([
    ['empty', ''],
    ['partial', JSON.stringify(good).slice(0, 40)],
    ['an array', '[]'],
    ['null', 'null'],
    ['without a url', JSON.stringify({ ...good, url: undefined })],
    ['with an id that is a path', JSON.stringify({ ...good, pool_id: '../../etc' })],
    ['with an id that is an object', JSON.stringify({ ...good, replica_id: {} })],
    ['with negative slots', JSON.stringify({ ...good, slots_total: -1 })],
    ['with a fraction of a slot', JSON.stringify({ ...good, slots_total: 1.5 })],
    ['with a key file that is a path', JSON.stringify({ ...good, api_key_file: '../key' })],
    ['with a key file that is no name', JSON.stringify({ ...good, api_key_file: 7 })],
    ['too large', JSON.stringify({ ...good, more: 'x'.repeat(70_000) })],
  ])('%s is left alone with a reason', async (_name, text) => {
    const path = join(folder.path, 'a.json');
    writeFileSync(path, text);
    expect(await readHandoff(folder.path, path)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/.{5,}/) as string,
    });
  });

  it('that is no regular file in the folder is left alone, and nothing waits for it', async () => {
    const runtimeDir = join(folder.path, 'engines');
    mkdirSync(runtimeDir);
    writeFileSync(join(folder.path, 'secret'), JSON.stringify(good));
    symlinkSync('../secret', join(runtimeDir, 'link.json'));
    symlinkSync('nowhere', join(runtimeDir, 'dangling.json'));
    symlinkSync('circle.json', join(runtimeDir, 'circle.json'));
    mkdirSync(join(runtimeDir, 'folder.json'));
    execFileSync('mkfifo', [join(runtimeDir, 'fifo.json')]);
    for (const [name, reason] of [
      ['link.json', 'it is a link that leads out of its folder'],
      ['dangling.json', 'it cannot be read (ENOENT)'],
      ['circle.json', 'it is a link that leads nowhere'],
      ['folder.json', 'it is not a regular file'],
      ['fifo.json', 'it is not a regular file'],
      ['missing.json', 'it cannot be read (ENOENT)'],
    ] as const) {
      expect(await readHandoff(runtimeDir, join(runtimeDir, name)), name).toEqual({ ok: false, reason });
    }
  });

  it('may be one of a mounted ConfigMap, whose links stay inside', async () => {
    mkdirSync(join(folder.path, '..2026_11_25'));
    writeFileSync(join(folder.path, '..2026_11_25', 'a.json'), JSON.stringify(good));
    symlinkSync('..2026_11_25', join(folder.path, '..data'));
    symlinkSync('..data/a.json', join(folder.path, 'a.json'));
    expect(await readHandoff(folder.path, join(folder.path, 'a.json'))).toMatchObject({ ok: true });
  });

  it.each([
    ['with a byte order mark', Buffer.from(`\ufeff${JSON.stringify(good)}`)],
    ['with its scheme in capitals', Buffer.from(JSON.stringify({ ...good, url: 'HTTP://127.0.0.1:9090/v1/' }))],
  ])('is taken %s', async (_name, bytes) => {
    const path = join(folder.path, 'a.json');
    writeFileSync(path, bytes);
    expect(await readHandoff(folder.path, path)).toMatchObject({ ok: true, handoff: { url: 'http://127.0.0.1:9090' } });
  });

  it('in another encoding is told to be that', async () => {
    const path = join(folder.path, 'a.json');
    writeFileSync(path, Buffer.from(`\ufeff${JSON.stringify(good)}`, 'utf16le'));
    const reason = 'it is not text in UTF-8';
    expect(await readHandoff(folder.path, path)).toEqual({ ok: false, reason, isPartial: true });
  });

  it('whatever it says is either taken whole or refused, never thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), text => {
        const reading = parseHandoff(text);
        expect(typeof reading.ok).toBe('boolean');
      }),
    );
  });

  it('cannot put a line end into a label', () => {
    const reading = parseHandoff(JSON.stringify({ ...good, engine_version: 'b1\n{"forged":true}' }));
    expect(reading).toMatchObject({ ok: true, handoff: { engineVersion: 'b1{"forged":true}' } });
  });
});
