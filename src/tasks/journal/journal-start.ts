import { Injectable } from '@nestjs/common';
import { TaskJournal, type Recovery } from './task-journal.port';

/** What the journal held when this process opened it: read once, for all that take something over from it. */
@Injectable()
export class JournalStart {
  private recovery: Promise<Recovery> | undefined;

  constructor(private readonly journal: TaskJournal) {}

  recovered(): Promise<Recovery> {
    return (this.recovery ??= this.journal.recover());
  }
}
