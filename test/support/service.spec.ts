import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startService, type RunningService } from './service';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder';

/** Speaks as the service does at its start; SIGUSR2 makes it deaf to SIGTERM. */
const PROGRAM = `
  const { createServer } = require('node:http');
  const log = line => console.log(JSON.stringify(line));
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', piece => (body += piece)).on('end', () => {
      log({ event: 'request', path: request.url });
      response.end(JSON.stringify({ path: request.url, headers: request.headers, body }));
    });
  });
  console.log('not JSON');
  if (process.env.FAIL) { console.error('no such setting'); process.exit(3); }
  server.listen(0, '127.0.0.1', () =>
    log({ event: 'listening', url: 'http://127.0.0.1:' + server.address().port, env: process.env }));
  process.on('SIGTERM', () => process.exit(0));
  process.on('SIGUSR2', () => { process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => {}); log({ event: 'deaf' }); });
`;

let folder: TemporaryFolder;
let program: string;
let service: RunningService | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  program = join(folder.path, 'program.js');
  writeFileSync(program, PROGRAM);
});

afterEach(async () => {
  await service?.stop('SIGKILL');
  service = undefined;
  folder.remove();
});

describe('startService', () => {
  it('starts a process with settings of its own, and ends it', async () => {
    process.env.ORCHD_LOG_LEVEL = 'silent';
    service = await startService({ program, env: { ORCHD_ADMISSION_CAPACITY: '64' } });
    delete process.env.ORCHD_LOG_LEVEL;
    const { env } = await service.waitForLog(({ event }) => event === 'listening');
    expect(env).toMatchObject({
      ORCHD_ADMISSION_CAPACITY: '64',
      ORCHD_ADDR: '127.0.0.1:0',
      ORCHD_DATA_DIR: service.dataDir,
    });
    expect(env).not.toHaveProperty('ORCHD_LOG_LEVEL');
    expect(service.logs()[0]).toEqual({ human: 'not JSON' });
    expect(service.exitCode).toBeUndefined();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.exitCode).toBe(0);
    expect(existsSync(join(service.dataDir, '..'))).toBe(false);
    await service.stop();
  });

  it('sends requests as they are written, with the key unless told otherwise', async () => {
    service = await startService({ program });
    const sent = await service.request('POST', '/v2/%61//../x', { body: { a: 1 }, headers: { 'X-Other': 'b' } });
    expect(sent.status).toBe(200);
    expect(sent.json()).toMatchObject({
      path: '/v2/%61//../x',
      body: '{"a":1}',
      headers: { 'x-api-key': service.apiKey, 'x-other': 'b', 'content-type': 'application/json' },
    });
    const bare = await service.request('GET', '/', { headers: { 'X-API-Key': undefined } });
    expect(bare.json<{ headers: object }>().headers).not.toHaveProperty('x-api-key');
    await service.waitForLog(({ path }) => path === '/');
  });

  it('sends bytes that are no HTTP, and reads the answer to them', async () => {
    service = await startService({ program });
    expect(await service.rawRequest('NONSENSE\r\n\r\n')).toMatchObject({ status: 400 });
    const answer = await service.rawRequest('GET /raw HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer.status).toBe(200);
    expect(answer.complete).toBe(true);
    expect(JSON.parse(answer.body)).toMatchObject({ path: '/raw' });
  });

  it('shows the last lines of one that does not start', async () => {
    await expect(startService({ program, env: { FAIL: '1' } })).rejects.toThrow(/exit code 3.*no such setting/s);
  });

  it('kills one that does not end, and says so', async () => {
    service = await startService({ program });
    service.signal('SIGUSR2');
    await service.waitForLog(({ event }) => event === 'deaf');
    await expect(service.stop('SIGTERM', 200)).rejects.toThrow('SIGTERM did not end the process');
    expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('rejects what waits for a log line when the process ends', async () => {
    service = await startService({ program });
    const waiting = service.waitForLog(({ event }) => event === 'never');
    service.signal('SIGKILL');
    await expect(waiting).rejects.toThrow('the process ended first');
  });
});
