import 'reflect-metadata';
import { StorageModule } from '../../src/storage/storage.module';
import { MemoryTaskJournal } from '../../src/storage/memory/task-journal.memory';
import { TaskJournal } from '../../src/tasks/journal/task-journal.port';

/** The service, from its sources, with a journal that keeps nothing, to see what the real one costs. */
const providers = Reflect.getMetadata('providers', StorageModule) as readonly { readonly provide?: unknown }[];
const others = providers.filter(provider => provider.provide !== TaskJournal);
Reflect.defineMetadata('providers', [...others, { provide: TaskJournal, useClass: MemoryTaskJournal }], StorageModule);
require('../../src/main');
