import { Module } from '@nestjs/common';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { OpenaiModule } from '../openai/openai.module';
import { TasksModule } from '../tasks/tasks.module';
import { UploadsModule } from '../uploads/uploads.module';
import { BatchRecords } from './batch-records';
import { BatchOwners } from './batch-owners';
import { BatchRunner } from './batch-runner';
import { BatchesController } from './batches.controller';
import { BatchesService } from './batches.service';
import { FileChecks } from './lines/file-checks';
import { LineFeeder } from './work/line-feeder';
import { LineWork } from './work/line-work';
import { ModelSightings } from './work/model-sightings';
import { Places } from './work/places';

/** Batches, as OpenAI's API has them, over the same tasks. */
@Module({
  imports: [LifecycleModule, OpenaiModule, TasksModule, UploadsModule],
  controllers: [BatchesController],
  providers: [
    ...[BatchesService, BatchRecords, BatchOwners, BatchRunner],
    ...[FileChecks, LineFeeder, LineWork, ModelSightings, Places],
  ],
})
export class BatchesModule {}
