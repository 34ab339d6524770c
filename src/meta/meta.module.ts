import { Module } from '@nestjs/common';
import { PoolsModule } from '../pools/pools.module';
import { AboutController } from './about.controller';
import { CapabilitiesService } from './capabilities.service';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { MetaController } from './meta.controller';
import { ProbesController } from './probes.controller';
import { ReadinessService } from './readiness.service';

@Module({
  imports: [LifecycleModule, PoolsModule],
  controllers: [AboutController, MetaController, ProbesController],
  providers: [CapabilitiesService, ReadinessService],
})
export class MetaModule {}
