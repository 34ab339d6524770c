import { Injectable } from '@nestjs/common';
import type { LineText } from './line-text';
import { keepContext } from './log-context';
import { Logger } from './logger';

/** The fields a log line may carry. No prompt, output, key or token is among them. */
export interface LogFields {
  readonly event: string;
  readonly job_id?: string;
  readonly session_id?: string;
  readonly engine?: string;
  readonly engine_version?: string;
  readonly pool_id?: string;
  readonly replica_id?: string;
  readonly queue_position?: number;
  readonly predicted_start_ms?: number;
  readonly tokens_in?: number;
  readonly tokens_out?: number;
  readonly decode_time_ms?: number;
  readonly [field: string]: unknown;
}

/** Tells what the service does: one structured line for each decision, with a sentence a person would say in `human`. */
@Injectable()
export class Narrator {
  constructor(private readonly logger: Logger) {}

  /** A decision or a fact of normal service. */
  tell(human: string, fields: LogFields): void {
    this.logger.info(fields, human);
  }

  /** As {@link tell}, for what is told of every task. */
  tellText(human: string, line: LineText): void {
    this.logger.infoText(line, human);
  }

  /** Something that an operator should look at. */
  warn(human: string, fields: LogFields, cause?: unknown): void {
    this.logger.warn({ ...fields, human }, cause);
  }

  /** Something that failed inside the service. */
  fail(human: string, fields: LogFields, cause?: unknown): void {
    this.logger.error({ ...fields, human }, cause);
  }

  /** For work that nobody waits for: resolves with its end, and tells of a failure, which would otherwise end the process. */
  async attend(work: Promise<unknown>, human: string, fields: LogFields): Promise<void> {
    const release = keepContext();
    try {
      await work;
    } catch (cause) {
      this.fail(human, fields, cause);
    } finally {
      release();
    }
  }
}
