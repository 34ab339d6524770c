import { Injectable } from '@nestjs/common';
import { Narrator } from '../../observability/narrator';
import { TaskJournal, type SessionUsage } from '../../tasks/journal/task-journal.port';
import type { TaskEnding } from '../../tasks/task/task';
import { Alarms, type Alarm } from '../../time/alarms';

/** How long a client waits for an ending to be durable before it is told all the same. */
const PATIENCE_MS = 1000;
const RETRY_MS = 1000;

interface Entry {
  readonly ending: TaskEnding;
  readonly session: SessionUsage | undefined;
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
  private readonly owed = new Map<string, Entry>();
  /** A round of retries is due or under way. One at a time: a disk that hangs must not be given the same work over and over. */
  private retrying = false;

  constructor(
    private readonly journal: TaskJournal,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to true once the ending is durable, to false when it could not be written, or after {@link PATIENCE_MS} when that is not
   * known yet. Never rejects.
   * @param untilKnown without such a bound
   */
  async record(ending: TaskEnding, session: SessionUsage | undefined, untilKnown: boolean): Promise<boolean> {
    const entry: Entry = { ending, session };
    this.owed.set(ending.taskId, entry);
    const written = this.write(entry);
    await (untilKnown ? written : this.withinPatience(written));
    if (!this.owed.has(ending.taskId)) return true;
    this.narrator.warn('An ending was told before it was durable, for the journal cannot be written.', {
      event: 'ending_not_durable',
      job_id: ending.taskId,
    });
    this.retryLater();
    return false;
  }

  /** Another ending for one that is still owed. */
  revise(ending: TaskEnding): void {
    const entry = this.owed.get(ending.taskId);
    if (entry) this.owed.set(ending.taskId, { ...entry, ending });
  }

  /** The ending of a task that the journal does not know of yet. */
  find(taskId: string): TaskEnding | undefined {
    return this.owed.get(taskId)?.ending;
  }

  private async withinPatience(work: Promise<void>): Promise<void> {
    let alarm: Alarm | undefined;
    const patience = new Promise<void>(resolve => (alarm = this.alarms.after(PATIENCE_MS, resolve)));
    await Promise.race([work, patience]);
    alarm?.cancel();
  }

  private async write({ ending, session }: Entry): Promise<void> {
    try {
      await this.journal.end(ending, session);
      // What was written may have been revised meanwhile: the journal keeps the first that it takes.
      this.owed.delete(ending.taskId);
    } catch {
      // It stays owed; record() says so once, and the retries go on.
    }
  }

  private retryLater(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.alarms.after(RETRY_MS, () => void this.retryAll());
  }

  /** Never rejects. */
  private async retryAll(): Promise<void> {
    for (const entry of [...this.owed.values()]) {
      const { taskId } = entry.ending;
      await this.write(entry);
      if (!this.owed.delete(taskId)) continue;
      // Storage still fails, and would for the others; should it be this one alone, it no longer stands in their way.
      this.owed.set(taskId, entry);
      break;
    }
    this.retrying = false;
    if (this.owed.size > 0) this.retryLater();
  }
}
