import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { EnginesModule } from '../engines/engines.module';
import { BindingsService } from './bindings.service';
import { ConfigBinding } from './config-binding';
import { DrainService } from './drain.service';
import { EngineAccess } from './engine-access';
import { EngineSightings } from './engine-sightings';
import { KeptBindings } from './kept-bindings';
import { KeptDrains } from './kept-drains';
import { KvUsage } from './kv-usage';
import { ModelStates } from './model-states';
import { ModelSwap } from './model-swap';
import { PoolOperations } from './pool-operations';
import { PoolsController } from './pools.controller';
import { PoolsService } from './pools.service';
import { Prober } from './prober';
import { PurgeSteps } from './purge-steps';
import { PurgeService } from './purge.service';
import { ReloadService } from './reload.service';
import { SlotWatch } from './slot-watch';

@Module({
  imports: [CatalogModule, EnginesModule],
  controllers: [PoolsController],
  providers: [
    ...[PoolsService, EngineAccess],
    ...[Prober, SlotWatch, KvUsage, BindingsService, KeptBindings, ConfigBinding, EngineSightings],
    ...[DrainService, KeptDrains, PoolOperations, ReloadService, ModelSwap, ModelStates, PurgeService, PurgeSteps],
  ],
  exports: [BindingsService, DrainService, EngineSightings, Prober],
})
export class PoolsModule {}
