import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError, loadConfig, type LoadedConfig } from './config/config';
import { Logger } from './observability/logger';
import { createService, startService, stopService } from './service';

async function main(): Promise<void> {
  const { config, warnings } = readConfig();
  const logger = new Logger(config);
  stopOnFault(logger);
  for (const warning of warnings) logger.warn({ event: 'unknown_setting', human: warning });
  try {
    const app = await createService(config, logger);
    stopOnSignal(app, logger);
    await startService(app, config);
  } catch (cause) {
    if (cause instanceof ConfigError) stopFor(cause);
    logger.error({ event: 'start_failed', human: `The service cannot start: ${(cause as Error).message}` }, cause);
    logger.flush();
    process.exit(1);
  }
}

/**
 * After a fault that nobody caught nothing here can be trusted: it is told and the process ends at once, in no order. The journal
 * makes the next start safe; when a thread of it dies, this is how the service is meant to end.
 */
function stopOnFault(logger: Logger): void {
  let stopping = false;
  const stop = (event: string, cause: unknown): never => {
    // A log that cannot be written is a fault too.
    if (!stopping) {
      stopping = true;
      logger.fatal({ event, human: 'A fault that nobody caught ends the service.' }, cause);
      logger.flush();
    }
    process.exit(1);
  };
  process.on('uncaughtException', cause => stop('uncaught_exception', cause));
  process.on('unhandledRejection', cause => stop('unhandled_rejection', cause));
}

/** The first signal stops in order, a second one at once. */
function stopOnSignal(app: NestFastifyApplication, logger: Logger): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    void stopInOrder(app, logger);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function stopInOrder(app: NestFastifyApplication, logger: Logger): Promise<never> {
  let code = 0;
  try {
    await stopService(app);
  } catch (cause) {
    logger.error({ event: 'stop_failed', human: 'The service did not stop in order.' }, cause);
    code = 1;
  }
  logger.flush();
  process.exit(code);
}

function readConfig(): LoadedConfig {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) stopFor(error);
    throw error;
  }
}

/** For whoever wrote the settings: plain lines, whatever the log is set to. */
function stopFor({ faults }: ConfigError): never {
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exit(1);
}

void main();
