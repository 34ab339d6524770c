import { Injectable } from '@nestjs/common';
import { ArtifactStore } from '../../artifacts/artifact-store.port';
import { EventLog } from '../../tasks/events/event-log.port';
import { eventsIn } from '../../tasks/events/sse-frame';
import { TaskLedger } from '../../tasks/ledger/task-ledger.port';
import { TaskRecords } from '../../tasks/ledger/task-records.port';
import { settledEnding } from '../../tasks/task/storing-transcript';
import { StreamLookup } from '../../tasks/stream/stream-lookup';
import type { ShownEvent } from './rendering';
import { TaskEnds } from './task-ends';

/** Read at once. */
const PIECE_BYTES = 64 * 1024;

/** The events of a task, for whoever wants all of them at once. */
@Injectable()
export class TaskEvents {
  constructor(
    private readonly lookup: StreamLookup,
    private readonly log: EventLog,
    private readonly ledger: TaskLedger,
    private readonly records: TaskRecords,
    private readonly artifacts: ArtifactStore,
    private readonly ends: TaskEnds,
  ) {}

  /** Those that there are. @throws ServiceError TASK_NOT_FOUND, TRANSCRIPT_GONE, and whatever `take` throws */
  async each(taskId: string, take: (event: ShownEvent) => void): Promise<void> {
    const { feed } = await this.lookup.find(taskId, 0, false);
    for (let at = 0; ;) {
      const chunk = await feed.read(at, PIECE_BYTES);
      if (!chunk) return;
      for (const event of eventsIn(chunk.frames)) take(event);
      if (chunk.terminal) return;
      at = chunk.lastSeq;
    }
  }

  /**
   * Whether its end can be told; true too for a task that nobody knows. Of a task that has ended at another node the last events may
   * still be on their way: this waits for them, and resolves to true.
   */
  async hasEnded(taskId: string): Promise<boolean> {
    const tail = await this.log.tail(taskId);
    if (tail && (tail.terminal || tail.mayLag !== true)) return tail.terminal;
    if ((await this.ledger.find(taskId)) !== undefined) return false;
    if (tail) await this.ends.until(taskId);
    return true;
  }

  /** What an ended task has put out is nowhere any more. */
  async forget(taskId: string): Promise<void> {
    const transcriptId = await this.transcriptOf(taskId);
    this.log.drop(taskId);
    if (transcriptId !== undefined) await this.artifacts.delete(transcriptId);
  }

  private async transcriptOf(taskId: string): Promise<string | undefined> {
    const record = await this.records.find(taskId);
    return record?.ending && (await settledEnding(record.ending, record.transcript)).transcriptArtifactId;
  }
}
