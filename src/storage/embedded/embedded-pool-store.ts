import { Injectable } from '@nestjs/common';
import { NEVER } from 'rxjs';
import { PoolStore, type KeptBinding, type KeptDrain, type PoolWork } from '../../pools/registry/pool-store.port';
import { JournalStart } from '../../tasks/journal/journal-start';
import { TaskJournal } from '../../tasks/journal/task-journal.port';

/** The note's name in the journal. */
const ENGINE_SEEN = 'engine_seen';

/** In the journal, with the tasks. */
@Injectable()
export class EmbeddedPoolStore extends PoolStore {
  /** There is no other node. */
  override readonly changed$ = NEVER;
  /** By pool. */
  private readonly works = new Map<string, PoolWork>();

  constructor(
    private readonly journal: TaskJournal,
    private readonly start: JournalStart,
  ) {
    super();
  }

  async recovered(): ReturnType<PoolStore['recovered']> {
    const { bindings, drains, notes } = await this.start.recovered();
    return { bindings, drains, hadEngine: notes.has(ENGINE_SEEN) };
  }

  tellAgain(): void {
    // Nobody else changes anything.
  }

  saveBinding(binding: KeptBinding): Promise<void> {
    return this.journal.saveBinding(binding);
  }

  renewBinding(): void {
    // It is as it was saved.
  }

  removeBinding(poolId: string, replicaId: string): Promise<void> {
    return this.journal.removeBinding(poolId, replicaId);
  }

  saveDrain(drain: KeptDrain): Promise<void> {
    return this.journal.saveDrain(drain);
  }

  removeDrain(poolId: string): Promise<void> {
    return this.journal.removeDrain(poolId);
  }

  beginWork(work: PoolWork): PoolWork['operation'] | undefined {
    const other = this.works.get(work.poolId);
    if (!other) this.works.set(work.poolId, work);
    return other?.operation;
  }

  heardByAll(): boolean {
    return true;
  }

  endWork({ poolId }: PoolWork): void {
    this.works.delete(poolId);
  }

  saveEngineSeen(): Promise<void> {
    return this.journal.saveNote(ENGINE_SEEN, 'yes');
  }
}
