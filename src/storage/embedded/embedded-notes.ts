import { Injectable } from '@nestjs/common';
import { JournalStart } from '../../tasks/journal/journal-start';
import { Notes } from '../../tasks/journal/notes.port';
import { TaskJournal } from '../../tasks/journal/task-journal.port';

/** In the journal, with the tasks. */
@Injectable()
export class EmbeddedNotes extends Notes {
  constructor(
    private readonly journal: TaskJournal,
    private readonly start: JournalStart,
  ) {
    super();
  }

  async recovered(): Promise<ReadonlyMap<string, string>> {
    return (await this.start.recovered()).notes;
  }

  save(name: string, text: string): Promise<void> {
    return this.journal.saveNote(name, text);
  }
}
