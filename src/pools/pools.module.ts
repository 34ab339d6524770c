import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { EnginesModule } from '../engines/engines.module';
import { MemoryPoolRegistry } from '../storage/memory/pool-registry.memory';
import { JournalModule } from '../tasks/journal/journal.module';
import { QueueModule } from '../tasks/queue/queue.module';
import { BindingsService } from './bindings.service';
import { ConfigBinding } from './config-binding';
import { DrainService } from './drain.service';
import { EngineAccess } from './engine-access';
import { ModelStates } from './model-states';
import { PlacementService } from './placement.service';
import { PoolRegistry } from './pool-registry.port';
import { PoolsController } from './pools.controller';
import { Prober } from './prober';
import { PurgeService } from './purge.service';
import { ReloadService } from './reload.service';

@Module({
  imports: [CatalogModule, EnginesModule, JournalModule, QueueModule],
  controllers: [PoolsController],
  providers: [
    { provide: PoolRegistry, useClass: MemoryPoolRegistry },
    ...[Prober, BindingsService, ConfigBinding, PlacementService, EngineAccess, ModelStates],
    ...[DrainService, ReloadService, PurgeService],
  ],
  exports: [PoolRegistry, PlacementService, BindingsService, Prober],
})
export class PoolsModule {}
