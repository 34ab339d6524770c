import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/config/config';
import { buildOpenApi } from '../src/http/documents/openapi';
import { Logger } from '../src/observability/logger';
import { createService } from '../src/service';
import type { GeneratedFile } from './generated-file';

/** The OpenAPI document of the service as it stands: put together in a folder of its own, it never listens. */
export async function openApiDoc(): Promise<GeneratedFile> {
  const folder = mkdtempSync(join(tmpdir(), 'orchd-openapi-'));
  try {
    const { config } = loadConfig({
      ORCHD_LOG_LEVEL: 'error',
      ORCHD_DATA_DIR: join(folder, 'data'),
      ORCHD_RUNTIME_DIR: join(folder, 'engines'),
      ORCHD_MODELS_DIR: join(folder, 'models'),
    });
    const app = await createService(config, new Logger(config));
    const document = await buildOpenApi(app);
    await app.close();
    return {
      path: 'docs/openapi.json',
      script: 'docs',
      generate: () => `${JSON.stringify(document, undefined, 2)}\n`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
