import { Module } from '@nestjs/common';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { FileRecords } from './file-records';
import { FileUpkeep } from './file-upkeep';
import { FilesController } from './files.controller';
import { UploadsService } from './uploads.service';

/** Files of clients, as OpenAI's API has them. */
@Module({
  imports: [LifecycleModule],
  controllers: [FilesController],
  providers: [UploadsService, FileRecords, FileUpkeep],
  exports: [FileRecords, FileUpkeep],
})
export class UploadsModule {}
