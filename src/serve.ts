import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError, loadConfig, type LoadedConfig } from './config/config';
import { boundGarbage } from './lifecycle/heap-growth';
import { Logger } from './observability/logger';
import { createService, startService, stopService } from './service';
import type { StopSignals } from './stop-signals';

/** Runs the service until a signal or a fault ends the process. */
export async function serve(signals: StopSignals): Promise<void> {
  const { config, warnings } = readConfig();
  const logger = new Logger(config);
  stopOnFault(logger);
  boundGarbage();
  for (const warning of warnings) logger.warn({ event: 'unknown_setting', human: warning });
  signals.onSecond = () => exitNow(1, logger);
  // Nothing was accepted yet, and the journal stands an end at any point.
  signals.onFirst = () => {
    logger.info({ event: 'stopped' }, 'Stopped before it had started.');
    void exit(0, logger);
  };
  try {
    const app = await createService(config, logger);
    if (signals.came) return;
    signals.onFirst = () => void stopInOrder(app, logger);
    await startService(app, config);
  } catch (cause) {
    if (signals.came) return; // What is being stopped cannot go on starting.
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
