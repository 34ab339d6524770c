import 'reflect-metadata';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/**
 * The built service with a journal that keeps nothing, to see what the real one costs. The folder of the build is named by
 * FORGETFUL_DIST.
 */
const dist = resolve(process.env['FORGETFUL_DIST'] ?? 'dist');
const load = createRequire(resolve(dist, 'main.js'));
const { StorageModule } = load('./storage/storage.module') as { StorageModule: object };
const { TaskJournal } = load('./tasks/journal/task-journal.port') as { TaskJournal: unknown };
const { MemoryTaskJournal } = load('./storage/memory/task-journal.memory') as { MemoryTaskJournal: unknown };

const providers = Reflect.getMetadata('providers', StorageModule) as readonly { readonly provide?: unknown }[];
const others = providers.filter(provider => provider.provide !== TaskJournal);
Reflect.defineMetadata('providers', [...others, { provide: TaskJournal, useClass: MemoryTaskJournal }], StorageModule);
load('./main');
