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
    await exit(1, logger);
  }
}

/**
 * After a fault that nobody caught nothing here can be trusted: it is told and the process ends at once, in no order. The journal
 * makes the next start safe; when a thread of it dies, this is how the service is meant to end.
 */
function stopOnFault(logger: Logger): void {
  let stopping = false;
  const stop = (event: string, cause: unknown): void => {
    // A log that cannot be written is a fault too.
    if (!stopping) {
      stopping = true;
      logger.fatal({ event, human: 'A fault that nobody caught ends the service.' }, cause);
      logger.flushNow();
    }
    exitNow(1, logger);
  };
  process.on('uncaughtException', cause => stop('uncaught_exception', cause));
  process.on('unhandledRejection', cause => stop('unhandled_rejection', cause));
}

/** The first signal stops in order, a second one at once. */
function stopOnSignal(app: NestFastifyApplication, logger: Logger): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) exitNow(1, logger);
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
  return exit(code, logger);
}

async function exit(code: number, logger: Logger): Promise<never> {
  await logger.flush();
  return exitNow(code, logger);
}

/** A thread that waits for the log's disk would keep the process for ever: it goes all the same. */
function exitNow(code: number, logger: Logger): never {
  if (logger.isStuck) process.kill(process.pid, 'SIGKILL');
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
