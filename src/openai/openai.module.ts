import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { HttpModule } from '../http/http.module';
import { PoolsModule } from '../pools/pools.module';
import { TasksModule } from '../tasks/tasks.module';
import { LogWaits } from './answers/log-waits';
import { RateLimits } from './answers/rate-limits';
import { TaskAnswers } from './answers/task-answers';
import { TaskEnds } from './answers/task-ends';
import { TaskEvents } from './answers/task-events.service';
import { TextController } from './text.controller';
import { TokensController } from './tokens.controller';
import { TokensService } from './tokens.service';
import { VectorsController } from './vectors.controller';
import { ModelsController } from './models.controller';
import { OpenaiWork } from './openai-work.service';
import { ModelNames } from './requests/model-names';
import { OpenaiTasks } from './requests/openai-tasks';
import { PromptCounts } from './requests/prompt-counts';
import { Tokenizers } from './requests/tokenizers';

/** OpenAI's API over the same tasks. */
@Module({
  imports: [CatalogModule, HttpModule, PoolsModule, TasksModule],
  controllers: [ModelsController, TextController, VectorsController, TokensController],
  providers: [
    OpenaiWork,
    OpenaiTasks,
    ModelNames,
    TokensService,
    Tokenizers,
    PromptCounts,
    RateLimits,
    TaskAnswers,
    TaskEvents,
    TaskEnds,
    LogWaits,
  ],
  exports: [ModelNames, OpenaiTasks, PromptCounts, TaskAnswers, TaskEvents, TaskEnds],
})
export class OpenaiModule {}
