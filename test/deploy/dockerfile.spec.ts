import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/config';
import { driverFor } from '../../src/storage/sqlite/file/driver';
import { startFlags } from '../support/start-command';
import { environmentOf, execForm, parseDockerfile, textsOf } from './dockerfile';

const root = resolve(__dirname, '../..');
const { args, stages } = parseDockerfile(readFileSync(resolve(root, 'Dockerfile'), 'utf8'));
const [build = [], image = []] = stages;

describe('the image', () => {
  it('is built in one stage and runs in another, both on the same slim Node 24', () => {
    expect(stages).toHaveLength(2);
    expect(textsOf(args, 'ARG')).toEqual(['NODE=node:24-slim']);
    expect(textsOf(build, 'FROM')).toEqual(['${NODE} AS build']);
    expect(textsOf(image, 'FROM')).toEqual(['${NODE}']);
  });

  it('holds production dependencies only, and no compiler', () => {
    const runs = textsOf(build, 'RUN').join('\n');
    expect(runs.lastIndexOf('npm prune --omit=dev')).toBeGreaterThan(runs.lastIndexOf('npm run build'));
    expect(textsOf(image, 'RUN').join()).not.toMatch(/npm|apt|curl|wget/);
  });

  it('is installed from the lock as it is, and nothing is compiled for it', () => {
    const runs = textsOf(build, 'RUN').join('\n');
    expect(runs).toMatch(/^npm ci /);
    expect(runs).not.toMatch(/npm install|apt|g\+\+|python/);
    const [, driverForNode20 = ''] = /rm -r (\S+)$/.exec(runs) ?? [];
    expect(driverForNode20).toBe(`node_modules/${driverFor(9)}`);
  });

  it('runs as a numeric user that is not root, after the last step that needs root', () => {
    const [user = ''] = textsOf(image, 'USER');
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const names = image.map(({ name }) => name);
    expect(names.lastIndexOf('RUN')).toBeLessThan(names.indexOf('USER'));
    expect(names.lastIndexOf('COPY')).toBeLessThan(names.indexOf('USER'));
  });

  it('writes to declared volumes only, which belong to its user', () => {
    const { ORCHD_DATA_DIR: data, ORCHD_RUNTIME_DIR: runtime, ORCHD_MODELS_DIR: models } = environmentOf(image);
    expect(execForm(textsOf(image, 'VOLUME').join())).toEqual([data, runtime]);
    expect(models).toMatch(new RegExp(`^${data}/`));
    const [owners = ''] = textsOf(image, 'RUN');
    expect(owners).toContain(`chown ${textsOf(image, 'USER').join()} ${data} ${runtime}`);
  });

  it('runs the service as `npm start` does, and gets the signal itself: exec form, SIGTERM', () => {
    expect(execForm(textsOf(image, 'CMD').join())).toEqual(['node', ...startFlags(), 'dist/main.js']);
    expect(textsOf(image, 'ENTRYPOINT')).toEqual([]);
    expect(textsOf(image, 'STOPSIGNAL')).toEqual(['SIGTERM']);
  });

  it('has settings that the service takes as soon as a key is set, and refuses without one', () => {
    const env = environmentOf(image);
    expect(() => loadConfig(env)).toThrow(ConfigError);
    const { config, warnings } = loadConfig({ ...env, ORCHD_API_KEYS: 'a-key' });
    expect(warnings).toEqual([]);
    expect(config.addr).toEqual({ host: '0.0.0.0', port: 8080 });
    expect(textsOf(image, 'EXPOSE')).toEqual(['8080']);
  });

  it('copies what exists and what .dockerignore lets through', () => {
    const allowed = readFileSync(resolve(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter(line => line.startsWith('!'))
      .map(line => line.slice(1));
    const copied = [...textsOf(build, 'COPY'), ...textsOf(image, 'COPY')]
      .filter(text => !text.startsWith('--from'))
      .flatMap(text => text.split(' ').slice(0, -1));
    expect(copied).toContain('src');
    const tools = copied.filter(path => path.startsWith('tools/'));
    const needed = tools.flatMap(path => [
      ...readFileSync(resolve(root, path), 'utf8').matchAll(/(?:from '\.|resolve\('tools)(\/[\w.-]+)'/g),
    ]);
    expect(tools).toEqual(expect.arrayContaining(needed.map(([, name]) => `tools${name}`)));
    expect(needed.length).toBeGreaterThan(2);
    for (const path of copied) {
      expect(existsSync(resolve(root, path)), path).toBe(true);
      expect(allowed).toContain(path);
    }
  });
});

describe('the health check', () => {
  const [, command = ''] = /CMD (\[.*\])$/.exec(textsOf(image, 'HEALTHCHECK').join()) ?? [];
  const [program, ...commandArgs] = execForm(command) ?? [];
  let server: Server | undefined;

  afterEach(() => new Promise<void>(done => (server ? server.close(() => done()) : done())));

  async function exitCode(status: number | undefined): Promise<number> {
    const paths: (string | undefined)[] = [];
    server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(status ?? 500, { connection: 'close' }).end();
    });
    await new Promise<void>(listening => server?.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    if (status === undefined) await new Promise(closed => server?.close(closed));
    const env = { ORCHD_ADDR: `0.0.0.0:${port}` };
    const code = await new Promise<number>(done => {
      execFile(process.execPath, commandArgs, { env }, error => done(error ? Number(error.code) : 0));
    });
    expect(paths).toEqual(status === undefined ? [] : ['/healthz']);
    return code;
  }

  it('asks the port that the service listens on', async () => {
    expect(program).toBe('node');
    expect(await exitCode(200)).toBe(0);
  });

  it('fails where the service is not well, and where there is none', async () => {
    expect(await exitCode(503)).toBe(1);
    server?.close();
    expect(await exitCode(undefined)).toBe(1);
  });
});
