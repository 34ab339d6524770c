import { Module } from '@nestjs/common';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { FileArtifactStore } from '../storage/files/file-artifact-store';
import { ArtifactStore } from './artifact-store.port';
import { ArtifactsController } from './artifacts.controller';
import { ArtifactsService } from './artifacts.service';
import { DocumentForms } from './document-forms';

@Module({
  imports: [LifecycleModule],
  controllers: [ArtifactsController],
  providers: [{ provide: ArtifactStore, useClass: FileArtifactStore }, ArtifactsService, DocumentForms],
  exports: [ArtifactStore],
})
export class ArtifactsModule {}
