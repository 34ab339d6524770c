import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { register } from 'prom-client';
import { loadConfig, type Config } from '../../src/config/config';
import { Logger } from '../../src/observability/logger';
import { createService } from '../../src/service';
import { TaskLedger } from '../../src/tasks/ledger/task-ledger.port';
import { temporaryFolder } from './temporary-folder';

/** The service put together in this process: for what cannot be seen from outside, such as the list of its routes. */
export interface InProcessService {
  readonly app: NestFastifyApplication;
  readonly config: Config;
  close(): Promise<void>;
}

export async function createInProcess(env: Record<string, string> = {}): Promise<InProcessService> {
  register.clear();
  const folder = temporaryFolder();
  mkdirSync(join(folder.path, 'models'));
  const { config } = loadConfig({
    ORCHD_ADDR: '127.0.0.1:0',
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_RUNTIME_DIR: join(folder.path, 'engines'),
    ORCHD_MODELS_DIR: join(folder.path, 'models'),
    ORCHD_API_KEYS: 'test-key',
    ORCHD_LOG_LEVEL: 'silent',
    ...env,
  });
  const app = await createService(config, new Logger(config, { write: () => undefined }));
  return {
    app,
    config,
    close: async () => {
      await app.close();
      // Of one that was never started too: what is bound opens the journal, whose thread would miss its folder.
      await app.get(TaskLedger).close();
      folder.remove();
    },
  };
}
