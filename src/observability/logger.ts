import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import type { Config } from '../config/config';
import { Clock } from '../time/clock';
import { currentContext } from './log-context';
import { quoted, type LineText } from './line-text';
import { LineTime } from './line-time';
import { jsonLine, prettyLine } from './log-line';
import { LogOutput } from './log-output';
import { inSources } from './source-positions';

/** Of a line that belongs to no request, or names its request itself. */
const none = {};

/** Where lines go, each with its line end. */
export interface LogDestination {
  write(line: string): void;
}

const noDrops: ReadonlyMap<string, number> = new Map();

/** JSON lines (or a form for people) on standard output, as pino writes them; also Nest's own logger. */
export class Logger implements LoggerService {
  private readonly lines: pino.Logger;
  private readonly output: LogOutput | undefined;
  private readonly put: (line: string) => void;
  /** For a line of JSON in which nothing is left to be escaped. */
  private readonly putPlain: (line: string) => void;
  private readonly tellsInfo: boolean;
  private readonly time: LineTime;

  constructor(config: Pick<Config, 'logLevel' | 'logFormat'>, destination?: LogDestination, clock = new Clock()) {
    this.time = new LineTime(clock);
    const form = config.logFormat === 'pretty' ? prettyLine : jsonLine;
    const lines =
      destination ?? (this.output = LogOutput.standardOutput((...gap) => form(gapLine(this.time.text, ...gap))));
    this.put = line => lines.write(form(line));
    this.putPlain = form === jsonLine ? line => lines.write(line) : this.put;
    const options: pino.LoggerOptions = {
      level: config.logLevel,
      base: null,
      timestamp: () => `,"time":"${this.time.text}"`,
      formatters: { level: label => ({ level: label }) },
      mixin: () => currentContext() ?? none,
      // pino's own would write into the context, or need a copy of it for each line.
      mixinMergeStrategy: (line, context) => (context === none ? line : { ...context, ...line }),
    };
    this.lines = pino(options, { write: this.put });
    this.tellsInfo = this.lines.isLevelEnabled('info');
  }

  /** Lines that could not be written and were given up since the start, by reason. */
  get dropped(): ReadonlyMap<string, number> {
    return this.output?.dropped ?? noDrops;
  }

  /** Whether the log holds a thread that an exit in order would wait for. */
  get isStuck(): boolean {
    return this.output?.isStuck ?? false;
  }

  /**
   * Put together here, for pino takes longer: it looks at each member by itself.
   * @param human a member like the others, the last one
   */
  info(fields: { readonly event: unknown; readonly [member: string]: unknown }, human: string): void {
    if (!this.tellsInfo) return;
    const context = currentContext();
    let members: string;
    try {
      members = JSON.stringify(context === undefined ? fields : { ...context, ...fields });
    } catch {
      this.lines.info({ ...fields, human }); // It has words for what JSON has none for.
      return;
    }
    const head = `{"level":"info","time":"${this.time.text}",`;
    this.put(`${head}${members.slice(1, -1)},"human":${JSON.stringify(human)}}\n`);
  }

  /** As {@link info}, with less work, of what names its request itself: whoever ends a task need not be who sent it. Each task has three. */
  infoText(line: LineText, human: string): void {
    if (!this.tellsInfo) return;
    this.putPlain(`{"level":"info","time":"${this.time.text}",${line.text},"human":${quoted(human)}}\n`);
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

  /** Resolves when all that was logged is written, or cannot be; soon, whatever becomes of it. */
  async flush(): Promise<void> {
    await this.output?.flush();
  }

  /** The same without a turn of the event loop. */
  flushNow(): void {
    this.output?.flushNow();
  }

  private write(level: 'warn' | 'error' | 'fatal', fields: unknown, cause: unknown): void {
    // Nest gives a fault as it is.
    if (fields instanceof Error) return this.write(level, fields.message, fields);
    const line = typeof fields === 'object' && fields !== null ? fields : { event: 'framework', human: String(fields) };
    this.lines[level](cause === undefined ? line : { ...line, cause: describe(cause) });
  }
}

/** A line of pino's form in the place of those that are missing: of the log itself, and of no request. */
function gapLine(time: string, lines: number, reason: string): string {
  const human = `${lines} lines of the log are missing here, for it could not be written (${reason}).`;
  return `${JSON.stringify({ level: 'warn', time, event: 'log_lines_dropped', lines, reason, human })}\n`;
}

/** A cause as the log shows it: kind, message and stack, with whatever caused it in turn. */
function describe(cause: unknown): unknown {
  if (!(cause instanceof Error)) return String(cause);
  return {
    name: cause.name,
    message: cause.message,
    stack: cause.stack === undefined ? undefined : inSources(cause.stack),
    ...(cause.cause !== undefined && { cause: describe(cause.cause) }),
  };
}
