import { Module } from '@nestjs/common';
import { FsCatalog } from '../storage/files/fs-catalog';
import { CatalogController } from './catalog.controller';
import { CatalogService } from './catalog.service';
import { ModelCatalog } from './model-catalog.port';
import { ModelVerifier } from './verification';

@Module({
  controllers: [CatalogController],
  providers: [{ provide: ModelCatalog, useClass: FsCatalog }, CatalogService, ModelVerifier],
  exports: [CatalogService],
})
export class CatalogModule {}
