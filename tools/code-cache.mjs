import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** For a start and a stop, which together take a second. */
const DEADLINE_MS = 60_000;

/**
 * Starts the service that was built in this folder, stops it when it listens, and has V8 write down beside its `program.js` what it has made of it until then. Read by
 * src/cached-file.ts. Where it cannot be started here, a start compiles what it needs, as ever.
 */
export async function writeCodeCache(built) {
  const folder = mkdtempSync(join(tmpdir(), 'orchestratord-build-'));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    ORCHD_ADDR: '127.0.0.1:0',
    ORCHD_DATA_DIR: join(folder, 'data'),
    ORCHD_RUNTIME_DIR: join(folder, 'engines'),
    ORCHD_MODELS_DIR: join(folder, 'models'),
  };
  const args = ['-r', resolve('tools/keep-code.cjs'), resolve(built, 'main.js')];
  const service = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => service.kill('SIGKILL'), DEADLINE_MS);
  let log = '';
  service.stdout.on('data', bytes => {
    if (log.includes('"listening"')) return;
    log += bytes;
    if (log.includes('"listening"')) service.kill('SIGTERM');
  });
  const code = await new Promise(done => service.once('close', done));
  clearTimeout(timer);
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) process.stderr.write(`Starts will take longer, for one could not be tried here:\n${log}`);
}
