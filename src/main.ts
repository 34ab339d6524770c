import 'reflect-metadata';
import { ConfigError, loadConfig, type LoadedConfig } from './config/config';
import { Logger } from './observability/logger';
import { createService, startService } from './service';

async function main(): Promise<void> {
  const { config, warnings } = readConfig();
  const logger = new Logger(config);
  for (const warning of warnings) logger.warn({ event: 'unknown_setting', human: warning });
  try {
    const app = await createService(config, logger);
    app.enableShutdownHooks(['SIGTERM', 'SIGINT']);
    await startService(app, config);
  } catch (cause) {
    logger.error({ event: 'start_failed', human: `The service cannot start: ${(cause as Error).message}` }, cause);
    logger.flush();
    process.exit(1);
  }
}

function readConfig(): LoadedConfig {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) process.stderr.write(`${fault}\n`);
    process.exit(1);
  }
}

void main();
