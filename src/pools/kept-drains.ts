import { Injectable } from '@nestjs/common';
import { Narrator } from '../observability/narrator';
import { TaskJournal, type JournalDrain } from '../tasks/journal/task-journal.port';

/** Keeps in the journal which pools drain, so that a restart does not give them work again. */
@Injectable()
export class KeptDrains {
  /** Ends when all that was asked for so far is written: the last order is the one that is kept. */
  private written: Promise<void> = Promise.resolve();

  constructor(
    private readonly journal: TaskJournal,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves once it is written; a failure is told and not thrown. */
  keep(drain: JournalDrain): Promise<void> {
    return this.write(drain.poolId, () => this.journal.saveDrain(drain));
  }

  /** As {@link keep}; nothing happens where none is kept. */
  forget(poolId: string): Promise<void> {
    return this.write(poolId, () => this.journal.removeDrain(poolId));
  }

  private write(poolId: string, write: () => Promise<void>): Promise<void> {
    this.written = this.written.then(write).catch((cause: unknown) => {
      // The order itself holds; only a restart would have to be told anew.
      const fields = { event: 'drain_not_kept', pool_id: poolId };
      this.narrator.warn(`The journal does not know whether pool ${poolId} drains.`, fields, cause);
    });
    return this.written;
  }
}
