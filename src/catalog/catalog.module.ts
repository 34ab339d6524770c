import { Module } from '@nestjs/common';
import { CatalogController } from './catalog.controller';
import { CatalogService } from './catalog.service';
import { ModelStandings } from './model-standings';
import { ModelVerifier } from './model-verifier';
import { VerificationService } from './verification.service';

@Module({
  controllers: [CatalogController],
  providers: [CatalogService, ModelStandings, VerificationService, ModelVerifier],
  exports: [CatalogService, ModelStandings],
})
export class CatalogModule {}
