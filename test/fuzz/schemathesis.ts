import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../support/temporary-folder';
import { startUnderFuzz, WORKER_TOKEN } from './service-under-fuzz';

/**
 * Runs schemathesis (PyPI), with all its checks, against the service: somebody else's reading of docs/openapi.json. It is installed
 * once, into a folder of its own under the temporary one. Where there is no Python, or PyPI cannot be reached, this says so and
 * passes.
 *
 * Usage: npm run test:schemathesis -- [--seed 1] [--max-examples 100]
 */

const VERSION = '4.32.5';
const INSTALL_MS = 300_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    'max-examples': { type: 'string', default: '100' },
  },
});

async function main(): Promise<void> {
  const program = await installed();
  if (program === undefined) {
    console.log('skipped: schemathesis could not be installed (no Python, or PyPI cannot be reached)');
    return;
  }
  const folder = temporaryFolder();
  const { service, stop } = await startUnderFuzz();
  try {
    const args = [
      ...['--config-file', join(__dirname, 'schemathesis.toml'), 'run', `${service.url}/openapi.json`],
      ...['--checks', 'all', '--phases', 'examples,coverage,fuzzing', '--seed', values.seed],
      ...['--max-examples', values['max-examples'], '--no-color'],
      ...['-H', `X-API-Key: ${service.apiKey}`, '-H', `Authorization: Bearer ${WORKER_TOKEN}`],
    ];
    process.exitCode = (await run(program, args, folder.path)) === 0 ? 0 : 1;
  } finally {
    await stop();
    folder.remove();
  }
}

/** The installed program; undefined where it cannot be had. */
async function installed(): Promise<string | undefined> {
  const venv = join(tmpdir(), `orchestratord-schemathesis-${VERSION}`);
  const program = join(venv, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  if ((await run('python3', ['-m', 'venv', venv])) !== 0) return undefined;
  const pip = ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`];
  return (await run(join(venv, 'bin', 'pip'), pip)) === 0 ? program : undefined;
}

/** Resolves with the exit code; null where a signal ended it or it could not be started. */
function run(program: string, args: readonly string[], cwd?: string): Promise<number | null> {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, PYTHONPATH: __dirname, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const patience = cwd === undefined ? setTimeout(() => child.kill(), INSTALL_MS) : undefined;
    child.on('error', () => resolve(null));
    child.on('close', code => {
      clearTimeout(patience);
      resolve(code);
    });
  });
}

void main();
