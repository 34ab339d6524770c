import { Module } from '@nestjs/common';
import { PoolsModule } from '../pools/pools.module';
import { HandoffController } from './handoff.controller';
import { HandoffService } from './handoff.service';
import { HandoffWatcher } from './handoff.watcher';

@Module({ imports: [PoolsModule], controllers: [HandoffController], providers: [HandoffService, HandoffWatcher] })
export class HandoffModule {}
