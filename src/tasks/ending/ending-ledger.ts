import { Injectable } from '@nestjs/common';
import { ArtifactStore, type CanonicalDocument } from '../../artifacts/artifact-store.port';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { TaskJournal, type SessionUsage } from '../journal/task-journal.port';
import type { TaskEnding } from '../task';

/** How long a client waits for an ending to be durable before it is told all the same. */
const PATIENCE_MS = 1000;
const RETRY_MS = 1000;

interface Entry {
  readonly ending: TaskEnding;
  readonly session: SessionUsage | undefined;
}

/**
 * Makes endings durable and never gives up on one: when storage fails, the client is told after a second all the same, the
 * ending stays here, and it is written as soon as the journal takes it. The transcript goes first: an ending that is on disk
 * names one that is on disk. A transcript that cannot be stored is given up.
 */
@Injectable()
export class EndingLedger {
  /**
   * Endings that are not durable yet. At most as many as tasks were live when storage began to fail: while it does nothing is
   * admitted, for an admission is durable or refused, and one that is durable again means that these are taken within a round.
   */
  private readonly owed = new Map<string, Entry>();
  /** A round of retries is due or under way. One at a time: a disk that hangs must not be given the same work over and over. */
  private retrying = false;

  constructor(
    private readonly journal: TaskJournal,
    private readonly artifacts: ArtifactStore,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** Stores a transcript; the ending without its id when that fails or takes too long. */
  async withTranscript(ending: TaskEnding, transcript: CanonicalDocument): Promise<TaskEnding> {
    const stored = this.artifacts.put(transcript, 'transcript', ending.taskId).then(
      () => true,
      (cause: unknown) => {
        this.narrator.warn(
          'A transcript could not be stored.',
          { event: 'transcript_lost', job_id: ending.taskId },
          cause,
        );
        return false;
      },
    );
    return (await this.withinPatience(stored)) ? { ...ending, transcriptArtifactId: transcript.id } : ending;
  }

  /** Resolves once the ending is durable, or after {@link PATIENCE_MS} when it is not. */
  async record(ending: TaskEnding, session?: SessionUsage): Promise<void> {
    const entry: Entry = { ending, session };
    this.owed.set(ending.taskId, entry);
    await this.withinPatience(this.write(entry));
    if (!this.owed.has(ending.taskId)) return;
    this.narrator.warn('An ending was told before it was durable, for the journal cannot be written.', {
      event: 'ending_not_durable',
      job_id: ending.taskId,
    });
    this.retryLater();
  }

  /** The ending of a task that the journal does not know of yet. */
  find(taskId: string): TaskEnding | undefined {
    return this.owed.get(taskId)?.ending;
  }

  /** Undefined when it takes too long; it goes on all the same. */
  private async withinPatience<T>(work: Promise<T>): Promise<T | undefined> {
    let alarm: Alarm | undefined;
    const patience = new Promise<undefined>(
      resolve => (alarm = this.alarms.after(PATIENCE_MS, () => resolve(undefined))),
    );
    const first = await Promise.race([work, patience]);
    alarm?.cancel();
    return first;
  }

  private async write({ ending, session }: Entry): Promise<void> {
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
