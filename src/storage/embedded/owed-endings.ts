import { Injectable } from '@nestjs/common';
import { TurnoverMap } from '../../collections/turnover-map';
import { Narrator } from '../../observability/narrator';
import { TaskJournal, type SessionUsage } from '../../tasks/journal/task-journal.port';
import { endingWith, type StoringTranscript } from '../../tasks/task/storing-transcript';
import type { TaskEnding } from '../../tasks/task/task';
import { Alarms, type Alarm } from '../../time/alarms';

/** How long a client waits for an ending to be durable before it is told all the same. */
const PATIENCE_MS = 1000;
const RETRY_MS = 1000;

/** An ending that is to be durable. */
export interface DueEnding {
  readonly ending: TaskEnding;
  readonly session: SessionUsage | undefined;
  /** What the ending names once the store has it. */
  readonly transcript: StoringTranscript | undefined;
}

/**
 * Makes endings durable and never gives up on one: when storage fails, the client is told after a second all the same, the
 * ending stays here, and it is written as soon as the journal takes it.
 */
@Injectable()
export class OwedEndings {
  /**
   * Endings that are not durable yet. At most as many as tasks were live when storage began to fail: while it does nothing is
   * admitted, for an admission is durable or refused, and one that is durable again means that these are taken within a round.
   */
  private readonly owed = new TurnoverMap<string, DueEnding>();
  /** A round of retries is due or under way. One at a time: a disk that hangs must not be given the same work over and over. */
  private retrying = false;

  constructor(
    private readonly journal: TaskJournal,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to true once the ending is durable, to false when it could not be written, or after {@link PATIENCE_MS} when that is not
   * known yet: from when it is known whether its transcript is stored and its task admitted, for which the journal may wait. Never rejects.
   * @param untilKnown without such a bound
   * @param isAdmitted resolves when the journal has answered to the admission; to false where there is no task, so nothing is owed
   */
  async record(due: DueEnding, untilKnown: boolean, isAdmitted: Promise<boolean>): Promise<boolean> {
    const { ending, transcript } = due;
    const { taskId } = ending;
    const writing = this.write(due);
    // Not owed before: until then it is of nobody, and that of another with the same id may be.
    if (!(await isAdmitted)) return false;
    this.owed.set(taskId, due);
    const written = writing.then(isDurable => {
      // What was written may have been revised meanwhile: the journal keeps the first that it takes.
      if (isDurable) this.owed.delete(taskId);
    });
    await (untilKnown ? written : this.withinPatience(written, transcript));
    if (!this.owed.has(taskId)) return true;
    this.narrator.warn('An ending was told before it was durable, for the journal cannot be written.', {
      event: 'ending_not_durable',
      job_id: taskId,
    });
    void transcript?.stored.then(() => this.letGoOf(due));
    this.retryLater();
    return false;
  }

  /** Another ending for one that is still owed. */
  revise(ending: TaskEnding): void {
    const entry = this.owed.get(ending.taskId);
    if (entry) this.owed.set(ending.taskId, { ending, session: entry.session, transcript: undefined });
  }

  /** The ending of a task that the journal does not know of yet. */
  find(taskId: string): TaskEnding | undefined {
    const due = this.owed.get(taskId);
    return due && endingWith(due.ending, due.transcript);
  }

  private async withinPatience(work: Promise<void>, transcript: StoringTranscript | undefined): Promise<void> {
    let alarm: Alarm | undefined;
    let isOver = false;
    const patience = new Promise<void>(resolve => {
      const begin = (): void => {
        if (!isOver) alarm = this.alarms.after(PATIENCE_MS, resolve);
      };
      if (transcript && transcript.isStored === undefined) void transcript.stored.then(begin);
      else begin();
    });
    await Promise.race([work, patience]);
    isOver = true;
    alarm?.cancel();
  }

  /** What may be owed for long holds no transcript: one that is stored is named, another is owed by itself. */
  private letGoOf(due: DueEnding): void {
    const { ending, session, transcript } = due;
    if (this.owed.get(ending.taskId) !== due) return;
    this.owed.set(ending.taskId, { ending: endingWith(ending, transcript), session, transcript: undefined });
  }

  /** Whether the journal has it. Never rejects: record() says once what is owed, and the retries go on. */
  private async write({ ending, session, transcript }: DueEnding): Promise<boolean> {
    try {
      await this.journal.end(ending, session, transcript);
      return true;
    } catch {
      return false;
    }
  }

  private retryLater(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.alarms.after(RETRY_MS, () => void this.retryAll());
  }

  /** Never rejects. */
  private async retryAll(): Promise<void> {
    for (const due of [...this.owed.values()]) {
      const { taskId } = due.ending;
      if (await this.write(due)) this.owed.delete(taskId);
      const owed = this.owed.get(taskId);
      if (!owed) continue;
      // Storage still fails, and would for the others; should it be this one alone, it no longer stands in their way.
      this.owed.delete(taskId);
      this.owed.set(taskId, owed);
      break;
    }
    this.retrying = false;
    if (this.owed.size > 0) this.retryLater();
  }
}
