import { Module } from '@nestjs/common';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { ArtifactsController } from './artifacts.controller';
import { ArtifactsService } from './artifacts.service';
import { DocumentForms } from './document-forms';

@Module({
  imports: [LifecycleModule],
  controllers: [ArtifactsController],
  providers: [ArtifactsService, DocumentForms],
})
export class ArtifactsModule {}
