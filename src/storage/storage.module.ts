import { Global, Module, type Type } from '@nestjs/common';
import type { Config } from '../config/config';
import { ArtifactStore } from '../artifacts/artifact-store.port';
import { CatalogModule } from '../catalog/catalog.module';
import { ModelCatalog } from '../catalog/model-catalog.port';
import { EnginesModule } from '../engines/engines.module';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { StorageReach } from '../lifecycle/storage-reach.port';
import { PlacementService } from '../pools/placement/placement.service';
import { ApiRecords } from '../records/api-records.port';
import { RecordLeases } from '../records/record-leases.port';
import { QueueDepths } from '../pools/placement/queue-depths.port';
import { PoolStore } from '../pools/registry/pool-store.port';
import { SharedProbes } from '../pools/probing/shared-probes.port';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { SessionStore } from '../sessions/session-store.port';
import { Notes } from '../tasks/journal/notes.port';
import { JournalStart } from '../tasks/journal/journal-start';
import { TaskJournal } from '../tasks/journal/task-journal.port';
import { LoadReports } from '../tasks/prediction/load-reports.port';
import { TaskLedger } from '../tasks/ledger/task-ledger.port';
import { Candidates } from '../pools/placement/candidates.port';
import { TaskRecords } from '../tasks/ledger/task-records.port';
import { EventLog } from '../tasks/events/event-log.port';
import { FileContents } from '../uploads/file-contents.port';
import { FolderContents } from './contents/folder-contents';
import { NoLoadReports } from './embedded/no-load-reports';
import { EmbeddedNotes } from './embedded/embedded-notes';
import { EmbeddedLedger } from './embedded/embedded-ledger';
import { EmbeddedPoolStore } from './embedded/embedded-pool-store';
import { EmbeddedRecords } from './embedded/embedded-records';
import { EmbeddedSessions } from './embedded/embedded-sessions';
import { OwnLeases } from './embedded/own-leases';
import { OwnProbes } from './embedded/own-probes';
import { OwnReach } from './embedded/own-reach';
import { OwedEndings } from './embedded/owed-endings';
import { SessionBook } from './embedded/session-book';
import { Slots } from './embedded/slots';
import { TaskAccounts } from './embedded/task-accounts';
import { FileArtifactStore } from './files/file-artifact-store';
import { FsCatalog } from './files/fs-catalog';
import { RunningTimeFile } from './files/running-time-file';
import { MemoryEventLog } from './memory/event-log.memory';
import { MemoryPoolRegistry } from './memory/pool-registry.memory';
import { SqliteRecords } from './records/sqlite-records';
import { RedisStore } from './redis/connection/redis-store';
import { Store } from './redis/connection/store';
import { CutSlots } from './redis/cut-slots';
import { EventWriter } from './redis/event-writer';
import { HeldTasks } from './redis/held-tasks';
import { NodeBeat } from './redis/node-beat';
import { RedisApiRecords } from './redis/redis-api-records';
import { NodePresence } from './redis/node-presence';
import { RedisArtifacts } from './redis/redis-artifacts';
import { RedisCatalog } from './redis/redis-catalog';
import { RedisContents } from './redis/redis-contents';
import { RedisEventLog } from './redis/redis-event-log';
import { RedisLedger } from './redis/redis-ledger';
import { RedisLoadReports } from './redis/redis-load-reports';
import { RedisNotes } from './redis/redis-notes';
import { RedisPoolStore } from './redis/redis-pool-store';
import { RedisProbes } from './redis/redis-probes';
import { RedisRecordLeases } from './redis/redis-record-leases';
import { RedisRecords } from './redis/redis-records';
import { RedisSessions } from './redis/redis-sessions';
import { StoreEndings } from './redis/store-endings';
import { StoreReach } from './redis/store-reach';
import { StoreTasks } from './redis/store-tasks';
import { SqliteTaskJournal } from './sqlite/task-journal.sqlite';

/** The one place that names drivers. By itself: all of them embedded in this process, over its data folder. */
@Global()
@Module({
  imports: [CatalogModule, EnginesModule],
  providers: [
    { provide: StorageReach, useClass: OwnReach },
    { provide: TaskJournal, useClass: SqliteTaskJournal },
    JournalStart,
    { provide: Notes, useClass: EmbeddedNotes },
    { provide: LoadReports, useClass: NoLoadReports },
    MemoryPoolRegistry,
    { provide: PoolRegistry, useExisting: MemoryPoolRegistry },
    { provide: PoolStore, useClass: EmbeddedPoolStore },
    { provide: SharedProbes, useClass: OwnProbes },
    PlacementService,
    { provide: Candidates, useExisting: PlacementService },
    ...[RunningTimeFile, Slots, SessionBook, TaskAccounts, OwedEndings],
    { provide: SessionStore, useClass: EmbeddedSessions },
    EmbeddedLedger,
    { provide: TaskLedger, useExisting: EmbeddedLedger },
    { provide: QueueDepths, useExisting: TaskLedger },
    { provide: TaskRecords, useClass: EmbeddedRecords },
    { provide: EventLog, useClass: MemoryEventLog },
    { provide: ModelCatalog, useClass: FsCatalog },
    { provide: ArtifactStore, useClass: FileArtifactStore },
    { provide: ApiRecords, useClass: SqliteRecords },
    { provide: RecordLeases, useClass: OwnLeases },
    { provide: FileContents, useClass: FolderContents },
  ],
  exports: [
    ...[PoolRegistry, PoolStore, SharedProbes, PlacementService, QueueDepths],
    ...[TaskJournal, Notes, LoadReports, TaskLedger, TaskRecords, EventLog, SessionStore],
    ...[StorageReach, ModelCatalog, ArtifactStore, ApiRecords, RecordLeases, FileContents],
  ],
})
export class StorageModule {
  /** The drivers that the settings ask for. */
  static for({ store }: Config): Type {
    return store.kind === 'embedded' ? StorageModule : SharedStorageModule;
  }
}

/** Drivers over a Redis or Valkey that several nodes share. */
@Global()
@Module({
  imports: [CatalogModule, EnginesModule, LifecycleModule],
  providers: [
    { provide: Store, useClass: RedisStore },
    StoreReach,
    { provide: StorageReach, useExisting: StoreReach },
    ...[HeldTasks, NodeBeat, NodePresence, StoreTasks, StoreEndings, EventWriter, CutSlots],
    MemoryPoolRegistry,
    { provide: PoolRegistry, useExisting: MemoryPoolRegistry },
    { provide: PoolStore, useClass: RedisPoolStore },
    { provide: SharedProbes, useClass: RedisProbes },
    { provide: Notes, useClass: RedisNotes },
    { provide: LoadReports, useClass: RedisLoadReports },
    PlacementService,
    { provide: Candidates, useExisting: PlacementService },
    RedisSessions,
    { provide: SessionStore, useExisting: RedisSessions },
    RedisLedger,
    { provide: TaskLedger, useExisting: RedisLedger },
    { provide: QueueDepths, useExisting: TaskLedger },
    { provide: TaskRecords, useClass: RedisRecords },
    { provide: EventLog, useClass: RedisEventLog },
    { provide: ModelCatalog, useClass: RedisCatalog },
    { provide: ArtifactStore, useClass: RedisArtifacts },
    { provide: ApiRecords, useClass: RedisApiRecords },
    { provide: RecordLeases, useClass: RedisRecordLeases },
    { provide: FileContents, useClass: RedisContents },
  ],
  exports: [
    ...[PoolRegistry, PoolStore, SharedProbes, PlacementService, QueueDepths],
    ...[Notes, LoadReports, TaskLedger, TaskRecords, EventLog, SessionStore],
    ...[StorageReach, ModelCatalog, ArtifactStore, ApiRecords, RecordLeases, FileContents],
  ],
})
class SharedStorageModule {}
