import { Module } from '@nestjs/common';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import { TaskJournal } from './task-journal.port';

/** The ledger of tasks, and the one place that names its driver. */
@Module({ providers: [{ provide: TaskJournal, useClass: MemoryTaskJournal }], exports: [TaskJournal] })
export class JournalModule {}
