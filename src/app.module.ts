import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AnthropicModule } from './anthropic/anthropic.module';
import { ArtifactsModule } from './artifacts/artifacts.module';
import { BatchesModule } from './batches/batches.module';
import { CatalogModule } from './catalog/catalog.module';
import type { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { HandoffModule } from './handoff/handoff.module';
import { HttpModule } from './http/http.module';
import { MetaModule } from './meta/meta.module';
import { MetricsController } from './meta/metrics.controller';
import type { Logger } from './observability/logger';
import { ObservabilityModule } from './observability/observability.module';
import { OllamaApiModule } from './ollama-api/ollama-api.module';
import { OpenaiModule } from './openai/openai.module';
import { PoolsModule } from './pools/pools.module';
import { ResponsesModule } from './responses/responses.module';
import { SessionsModule } from './sessions/sessions.module';
import { StorageModule } from './storage/storage.module';
import { TasksModule } from './tasks/tasks.module';
import { TimeModule } from './time/time.module';
import { UploadsModule } from './uploads/uploads.module';
import { EngineAllowModule } from './workers/engine-allow.module';
import { WorkersModule } from './workers/workers.module';

/** The whole service. */
@Module({})
export class AppModule {
  static with(config: Config, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        ObservabilityModule.with(logger, MetricsController),
        TimeModule,
        ScheduleModule.forRoot(),
        HttpModule,
        StorageModule.for(config),
        EngineAllowModule,
        PoolsModule,
        WorkersModule,
        TasksModule,
        OpenaiModule,
        ResponsesModule,
        UploadsModule,
        BatchesModule,
        AnthropicModule,
        OllamaApiModule,
        SessionsModule,
        CatalogModule,
        ArtifactsModule,
        HandoffModule,
        MetaModule,
      ],
    };
  }
}
