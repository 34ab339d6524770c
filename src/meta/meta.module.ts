import { Module } from '@nestjs/common';
import { PoolsModule } from '../pools/pools.module';
import { CapabilitiesService } from './capabilities.service';
import { LifecycleModule } from './lifecycle.module';
import { MetaController } from './meta.controller';
import { ProbesController } from './probes.controller';

@Module({
  imports: [LifecycleModule, PoolsModule],
  controllers: [MetaController, ProbesController],
  providers: [CapabilitiesService],
})
export class MetaModule {}
