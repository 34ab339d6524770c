import 'reflect-metadata';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/**
 * The built service with a journal that keeps nothing, to see what the real one costs. The folder of the build is named by
 * FORGETFUL_DIST.
 */
const dist = resolve(process.env['FORGETFUL_DIST'] ?? 'dist');
const load = createRequire(resolve(dist, 'main.js'));
const { JournalModule } = load('./tasks/journal/journal.module') as { JournalModule: object };
const { TaskJournal } = load('./tasks/journal/task-journal.port') as { TaskJournal: unknown };
const { MemoryTaskJournal } = load('./storage/memory/task-journal.memory') as { MemoryTaskJournal: unknown };

Reflect.defineMetadata('providers', [{ provide: TaskJournal, useClass: MemoryTaskJournal }], JournalModule);
load('./main');
