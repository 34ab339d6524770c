import { Injectable } from '@nestjs/common';
import { ArtifactStore, type CanonicalDocument } from '../../artifacts/artifact-store.port';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { TaskJournal, type SessionUsage } from '../journal/task-journal.port';
import type { TaskEnding } from '../task';

/** How long a client waits for an ending to be durable before it is told all the same. */
const PATIENCE_MS = 1000;
const RETRY_MS = 1000;

/** What is kept of an ending: the record, the transcript, and what the session has spent since. */
export interface EndingRecord {
  readonly ending: TaskEnding;
  readonly transcript: CanonicalDocument;
  readonly session?: SessionUsage;
}

/**
 * Makes endings durable and never gives up on one: when storage fails, the client is told after a second all the same, the
 * ending stays here, and it is written as soon as the journal takes it. A transcript that cannot be stored is given up.
 */
@Injectable()
export class EndingLedger {
  /** Endings that were told but are not durable yet. */
  private readonly owed = new Map<string, EndingRecord>();
  private retrying = false;

  constructor(
    private readonly journal: TaskJournal,
    private readonly artifacts: ArtifactStore,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves once ending and transcript are durable, or after {@link PATIENCE_MS} when they are not.
   * With `journaled` the ending is in the journal already (an eviction, recorded with the admission it made room for).
   */
  async record(record: EndingRecord, journaled = false): Promise<void> {
    const { ending, transcript } = record;
    if (!journaled) this.owed.set(ending.taskId, record);
    const keep = this.artifacts.put(transcript, 'transcript', ending.taskId).catch((cause: unknown) => {
      this.narrator.warn('A transcript could not be stored.', { event: 'transcript_lost', job_id: ending.taskId }, cause);
    });
    await this.withinPatience(Promise.all([keep, journaled ? undefined : this.write(record)]));
    if (this.owed.has(ending.taskId)) {
      this.narrator.warn('An ending was told before it was durable, for the journal cannot be written.', {
        event: 'ending_not_durable',
        job_id: ending.taskId,
      });
      this.retryLater();
    }
  }

  /** The ending of a task that the journal does not know of yet. */
  find(taskId: string): TaskEnding | undefined {
    return this.owed.get(taskId)?.ending;
  }

  private async withinPatience(work: Promise<unknown>): Promise<void> {
    let alarm: Alarm | undefined;
    const patience = new Promise<void>(resolve => (alarm = this.alarms.after(PATIENCE_MS, resolve)));
    await Promise.race([work, patience]);
    alarm?.cancel();
  }

  private async write({ ending, session }: EndingRecord): Promise<void> {
    try {
      await this.journal.end(ending, session);
      this.owed.delete(ending.taskId);
    } catch {
      // It stays owed; record() says so once, and the retries go on.
    }
  }

  private retryLater(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.alarms.after(RETRY_MS, () => {
      this.retrying = false;
      void this.retryAll();
    });
  }

  private async retryAll(): Promise<void> {
    for (const entry of [...this.owed.values()]) {
      await this.write(entry);
      if (this.owed.has(entry.ending.taskId)) break; // Storage still fails: the others would too.
    }
    if (this.owed.size > 0) this.retryLater();
  }
}
