import { Module } from '@nestjs/common';
import { PoolsModule } from '../pools/pools.module';
import { HandoffFolder } from './handoff-folder';
import { HandoffController } from './handoff.controller';
import { HandoffService } from './handoff.service';
import { HandoffWatcher } from './handoff.watcher';

@Module({
  imports: [PoolsModule],
  controllers: [HandoffController],
  providers: [HandoffFolder, HandoffService, HandoffWatcher],
})
export class HandoffModule {}
