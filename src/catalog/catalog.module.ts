import { Module } from '@nestjs/common';
import { FsCatalog } from '../storage/files/fs-catalog';
import { CatalogController } from './catalog.controller';
import { CatalogService } from './catalog.service';
import { ModelCatalog } from './model-catalog.port';
import { ModelStandings } from './model-standings';
import { ModelVerifier } from './model-verifier';
import { VerificationService } from './verification.service';

@Module({
  controllers: [CatalogController],
  providers: [
    { provide: ModelCatalog, useClass: FsCatalog },
    CatalogService,
    ModelStandings,
    VerificationService,
    ModelVerifier,
  ],
  exports: [CatalogService, ModelStandings],
})
export class CatalogModule {}
