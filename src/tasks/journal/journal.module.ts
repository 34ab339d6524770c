import { Module } from '@nestjs/common';
import { SqliteTaskJournal } from '../../storage/sqlite/task-journal.sqlite';
import { TaskJournal } from './task-journal.port';

/** The ledger of tasks, and the one place that names its driver. */
@Module({ providers: [{ provide: TaskJournal, useClass: SqliteTaskJournal }], exports: [TaskJournal] })
export class JournalModule {}
