import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import type { Config } from '../config/config';
import { currentContext } from './log-context';
import { jsonLine, prettyLine } from './log-line';

/** Of a line that belongs to no request, or names its request itself. */
const none = {};

/** JSON lines (or a form for people) on standard output, through pino; also Nest's own logger. */
export class Logger implements LoggerService {
  private readonly lines: pino.Logger;
  private readonly standardOutput: ReturnType<typeof pino.destination> | undefined;

  constructor(config: Pick<Config, 'logLevel' | 'logFormat'>, destination?: pino.DestinationStream) {
    const options: pino.LoggerOptions = {
      level: config.logLevel,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      mixin: () => currentContext() ?? none,
      // pino's own would write into the context, or need a copy of it for each line.
      mixinMergeStrategy: (line, context) => (context === none ? line : { ...context, ...line }),
    };
    if (!destination && config.logFormat === 'pretty') {
      this.lines = pino(options, { write: line => void process.stdout.write(prettyLine(line)) });
      return;
    }
    const lines = destination ?? (this.standardOutput = pino.destination({ fd: 1, sync: false }));
    this.lines = pino(options, { write: line => lines.write(jsonLine(line)) });
  }

  info(fields: object): void {
    this.lines.info(fields);
  }

  debug(fields: object | string): void {
    this.lines.debug(typeof fields === 'string' ? { event: 'debug', human: fields } : fields);
  }

  warn(fields: unknown, cause?: unknown): void {
    this.write('warn', fields, cause);
  }

  error(fields: unknown, cause?: unknown): void {
    this.write('error', fields, cause);
  }

  /** The last line of a process that cannot go on. */
  fatal(fields: object, cause: unknown): void {
    this.write('fatal', fields, cause);
  }

  /** Nest's own lines of its start; below info, for they say nothing an operator asks for. */
  log(message: unknown, context?: string): void {
    this.lines.debug({ event: 'framework', context, human: String(message) });
  }

  verbose(message: unknown, context?: string): void {
    this.lines.trace({ event: 'framework', context, human: String(message) });
  }

  /** Everything logged so far reaches the destination. */
  flush(): void {
    this.standardOutput?.flushSync();
  }

  private write(level: 'warn' | 'error' | 'fatal', fields: unknown, cause: unknown): void {
    const line = typeof fields === 'object' && fields !== null ? fields : { event: 'framework', human: String(fields) };
    this.lines[level](cause === undefined ? line : { ...line, cause: describe(cause) });
  }
}

/** A cause as the log shows it: kind, message and stack, with whatever caused it in turn. */
function describe(cause: unknown): unknown {
  if (!(cause instanceof Error)) return String(cause);
  return {
    name: cause.name,
    message: cause.message,
    stack: cause.stack,
    ...(cause.cause !== undefined && { cause: describe(cause.cause) }),
  };
}
