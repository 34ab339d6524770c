import { Module } from '@nestjs/common';
import { PoolsModule } from '../pools/pools.module';
import { WorkersController } from './workers.controller';
import { WorkersService } from './workers.service';

@Module({ imports: [PoolsModule], controllers: [WorkersController], providers: [WorkersService] })
export class WorkersModule {}
