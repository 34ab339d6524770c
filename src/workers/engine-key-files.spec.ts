import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { loadConfig } from '../config/config';
import type { EngineCredentials } from '../engines/engine-keys';
import { authorityFile } from '../../test/support/tls/tls-front';
import type { Narrator } from '../observability/narrator';
import { EngineKeyFiles } from './engine-key-files';

const url = 'http://127.0.0.1:8080';

let folder: TemporaryFolder;
let keysDir: string;
let warnings: string[];
let keys: EngineKeyFiles;

function start(env: Record<string, string>): void {
  warnings = [];
  const narrator = { warn: (human: string) => void warnings.push(human) } as unknown as Narrator;
  keys = new EngineKeyFiles(loadConfig(env).config, narrator);
}

beforeEach(() => {
  folder = temporaryFolder();
  keysDir = join(folder.path, 'keys');
  mkdirSync(keysDir);
  start({ ORCHD_ENGINE_KEYS_DIR: keysDir });
});
afterEach(() => folder.remove());

const write = (name: string, text: string) => writeFileSync(join(keysDir, name), text);
const credentials = (apiKeyFile: string, at = url) => keys.read({ url: at, apiKeyFile });
const keyIn = ({ headers }: EngineCredentials) => headers['authorization']?.replace('Bearer ', '');
const read = async (apiKeyFile: string, at = url) => keyIn(await credentials(apiKeyFile, at));
const reasonOf = (apiKeyFile: string, at = url): Promise<string> =>
  read(apiKeyFile, at).then(
    () => 'it was read',
    (error: Error) => error.message,
  );

describe('the key of an engine', () => {
  it('is none where its binding names no file', async () => {
    expect(await keys.read({ url })).toEqual({ headers: {} });
    expect(keys.known({ url })).toEqual({ headers: {} });
  });

  it.each(['s3cret', 's3cret\n', '\ufeff# for gpu-0\r\n\r\ns3cret\r\n'])(
    'is the first line of its file: %j',
    async text => {
      write('gpu', text);
      expect(await read('gpu')).toBe('s3cret');
      expect(keyIn(keys.known({ url, apiKeyFile: 'gpu' }))).toBe('s3cret');
    },
  );

  it('is read again when its file changes, and one of a mounted Secret too', async () => {
    const data = (version: string, key: string): void => {
      mkdirSync(join(keysDir, version));
      write(join(version, 'gpu'), key);
      symlinkSync(version, join(keysDir, '..next'));
      renameSync(join(keysDir, '..next'), join(keysDir, '..data'));
    };
    data('..1', 'first');
    symlinkSync('..data/gpu', join(keysDir, 'gpu'));
    expect(await read('gpu')).toBe('first');
    data('..2', 'second');
    expect(keyIn(keys.known({ url, apiKeyFile: 'gpu' }))).toBe('first');
    expect(await read('gpu')).toBe('second');
  });

  it('stays as it was while its file cannot be used, which is told once', async () => {
    write('gpu', 'first');
    await read('gpu');
    write('gpu', '');
    for (let n = 0; n < 3; n++) expect(await read('gpu')).toBe('first');
    rmSync(join(keysDir, 'gpu'));
    expect(await read('gpu')).toBe('first');
    expect(warnings).toEqual([
      'The key file of an engine cannot be used: it holds no key. The key known so far stays.',
      'The key file of an engine cannot be used: it cannot be read (ENOENT). The key known so far stays.',
    ]);
    write('gpu', 'second');
    expect(await read('gpu')).toBe('second');
  });

  it.each([
    ['gpu', 'it cannot be read (ENOENT)'],
    ['empty', 'it holds no key'],
    ['spaces', 'its first line is not a key of 1 to 512 visible ASCII characters'],
    ['long', 'its first line is not a key of 1 to 512 visible ASCII characters'],
    ['huge', 'it is larger than 16384 bytes'],
    ['folder', 'it is not a regular file'],
    ['second', 'its line 2 is not the http(s) URL of an engine that the key is for'],
  ])('cannot be had from %s, and the reason has no part of it', async (name, reason) => {
    mkdirSync(join(keysDir, 'folder'));
    for (const [file, text] of Object.entries({
      ...{ empty: '# nothing\n', spaces: 'top s3cret', long: 's'.repeat(513), huge: 's'.repeat(20_000) },
      second: 's3cret\nt0psecret',
    }))
      write(file, text);
    expect(await reasonOf(name)).toBe(`The engine's key file cannot be used: ${reason}.`);
    expect(() => keys.known({ url, apiKeyFile: name })).toThrow('it was not read yet');
  });

  it.each(['../secret', '/etc/hostname', '..', '.hidden', 'a/b', 'a\\b', '', 'x'.repeat(129), 'a\0b'])(
    'is never looked for at %j',
    async name => {
      writeFileSync(join(folder.path, 'secret'), 's3cret');
      write('.hidden', 's3cret');
      expect(await reasonOf(name)).toMatch(/cannot be used: its name is not a plain one\.$/);
    },
  );

  it('is not read over a link that leads out of the folder', async () => {
    writeFileSync(join(folder.path, 'secret'), 's3cret');
    symlinkSync('../secret', join(keysDir, 'gpu'));
    expect(await reasonOf('gpu')).toMatch(/it is a link that leads out of its folder\.$/);
  });

  it('is not looked for where no folder is set apart for keys', async () => {
    start({});
    expect(await reasonOf('gpu')).toContain('no folder for keys is configured (ORCHD_ENGINE_KEYS_DIR)');
  });

  it('goes to the engines alone that its file names', async () => {
    write('gpu', `s3cret\n# gpu-0\nHTTP://127.0.0.1:8080/v1/\nhttps://gpu-1`);
    expect(await read('gpu')).toBe('s3cret');
    expect(await read('gpu', 'https://gpu-1')).toBe('s3cret');
    for (const other of ['http://127.0.0.1:8081', 'http://gpu-1', 'https://127.0.0.1:8080'])
      expect(await reasonOf('gpu', other)).toContain('it is not for this engine');
    expect(() => keys.known({ url: 'http://10.0.0.9', apiKeyFile: 'gpu' })).toThrow('it is not for this engine');
  });

  it('may come with other headers, in a file of JSON', async () => {
    write('gpu', JSON.stringify({ key: 's3cret', headers: { 'X-Team': 'a team' }, addresses: [`${url}/v1`] }));
    const headers = { authorization: 'Bearer s3cret', 'x-team': 'a team' };
    expect(await credentials('gpu')).toEqual({ headers });
    expect(await reasonOf('gpu', 'http://10.0.0.9')).toContain('it is not for this engine');
    write('gpu', JSON.stringify({ headers: { Authorization: 'Basic abc' } }));
    expect(await credentials('gpu')).toEqual({ headers: { authorization: 'Basic abc' } });
  });

  it('may come with the authority of the certificate, which is read again when it changes', async () => {
    const pem = readFileSync(authorityFile, 'utf8');
    write('ca.pem', pem);
    write('gpu', JSON.stringify({ ca_file: 'ca.pem' }));
    const first = await credentials('gpu');
    expect(first).toMatchObject({ headers: {}, authority: { pem } });
    write('ca.pem', `${pem}${pem}`);
    const second = await credentials('gpu');
    expect(second.authority?.pem).toBe(`${pem}${pem}`);
    expect(second.authority?.id).not.toBe(first.authority?.id);
    write('ca.pem', 'nothing');
    expect(await credentials('gpu')).toEqual(second);
    expect(warnings.at(-1)).toContain('its ca_file holds no certificate in PEM');
  });

  it.each([
    ['{', 'it begins with { and is not JSON'],
    ['{}', 'it holds no key'],
    ['{"Key":"s3cret"}', 'it has members other than key, headers, ca_file, addresses'],
    ['{"key":5}', 'its key is not a key of 1 to 512 visible ASCII characters'],
    ['{"headers":["s3cret"]}', 'its headers are not an object of texts'],
    ['{"headers":{"x":"s3cret","s3cret key":"x"}}', 'the name of its header 2 is not one of letters, digits and -'],
    ['{"headers":{"Host":"s3cret"}}', 'its header 1 is one that the service sets itself'],
    ['{"headers":{"x":"s3cret\\r\\ny"}}', 'the value of its header 1 is not 1 to 1024 printable ASCII characters'],
    ['{"key":"s3cret","ca_file":"../ca.pem"}', 'its ca_file is not the plain name of a file beside it'],
    ['{"key":"s3cret","ca_file":"none.pem"}', 'of its ca_file it cannot be read (ENOENT)'],
    [
      '{"key":"s3cret","addresses":["s3cret"]}',
      'its address 1 is not the http(s) URL of an engine that the key is for',
    ],
  ])(
    'cannot be had from JSON that is not as it should be, and the reason has no part of it: %s',
    async (text, reason) => {
      write('gpu', text);
      expect(await reasonOf('gpu')).toBe(`The engine's key file cannot be used: ${reason}.`);
    },
  );

  it('of the configuration may lie anywhere, and nobody else can name it', async () => {
    const path = join(folder.path, 'operators.key');
    writeFileSync(path, 'own');
    start({ ORCHD_LLAMACPP_API_KEY_FILE: path });
    expect(await read(path)).toBe('own');
    expect(await reasonOf('operators.key')).toContain('no folder for keys is configured');
    start({ ORCHD_ENGINE_KEYS_DIR: keysDir });
    expect(await reasonOf(path)).toContain('its name is not a plain one');
  });
});
