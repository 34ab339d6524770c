import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startFlags } from '../support/start-command';
import { Program, type ProgramOptions } from './program';

/** One of ten keys, as a deployment has a few. */
export const API_KEY = 'bench-key-3';

/**
 * The built service as `npm start` runs it, unless another program is named, with its defaults: journal on the disk of the project, API
 * keys, metrics, log level `info` to a file.
 * `settings` are what a part has to set beside that.
 */
export function startService(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
  options: Partial<Pick<ProgramOptions, 'program' | 'preload' | 'isAsked'>> = {},
): Promise<Program> {
  const own = mkdtempSync(join(folder, 'service-'));
  const env = {
    ORCHD_ADDR: '127.0.0.1:0',
    ORCHD_DATA_DIR: join(own, 'data'),
    ORCHD_RUNTIME_DIR: join(own, 'engines'),
    ORCHD_MODELS_DIR: join(own, 'models'),
    ORCHD_API_KEYS: Array.from({ length: 10 }, (_, n) => `bench-key-${n}`).join(','),
    ...settings,
  };
  return Program.start({ program: 'dist/main.js', nodeArgs: startFlags(), ...options, env, folder: own });
}
