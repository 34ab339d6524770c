import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { EnginesModule } from '../engines/engines.module';
import { BindingsService } from './bindings/bindings.service';
import { ConfigBinding } from './bindings/config-binding';
import { DrainService } from './operations/drain.service';
import { ConcurrencyLimits } from './probing/concurrency-limits';
import { EngineAccess } from './probing/engine-access';
import { EngineSightings } from './bindings/engine-sightings';
import { KeptBindings } from './bindings/kept-bindings';
import { KeptDrains } from './operations/kept-drains';
import { KvUsage } from './probing/kv-usage';
import { ModelStates } from './operations/model-states';
import { ModelSwap } from './operations/model-swap';
import { PoolOperations } from './operations/pool-operations';
import { ModelAliases } from './placement/model-aliases';
import { PoolsController } from './pools.controller';
import { PoolsService } from './placement/pools.service';
import { Prober } from './probing/prober';
import { PurgeSteps } from './operations/purge-steps';
import { PurgeService } from './operations/purge.service';
import { ReloadService } from './operations/reload.service';
import { SharedPools } from './operations/shared-pools';
import { WorkElsewhere } from './operations/work-elsewhere';
import { SlotWatch } from './probing/slot-watch';

@Module({
  imports: [CatalogModule, EnginesModule],
  controllers: [PoolsController],
  providers: [
    ...[PoolsService, ModelAliases, EngineAccess],
    ...[Prober, SlotWatch, ConcurrencyLimits, KvUsage, BindingsService, KeptBindings, ConfigBinding, EngineSightings],
    ...[
      DrainService,
      KeptDrains,
      PoolOperations,
      ReloadService,
      ModelSwap,
      ModelStates,
      PurgeService,
      PurgeSteps,
      SharedPools,
      WorkElsewhere,
    ],
  ],
  exports: [BindingsService, DrainService, EngineAccess, EngineSightings, ModelAliases, Prober, SharedPools],
})
export class PoolsModule {}
