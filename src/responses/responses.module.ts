import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { OpenaiModule } from '../openai/openai.module';
import { TasksModule } from '../tasks/tasks.module';
import { ResponseHistory } from './records/response-history';
import { ResponseKeeper } from './records/response-keeper';
import { ResponseRecords } from './records/response-records';
import { ResponsesController } from './responses.controller';
import { ResponsesService } from './responses.service';

/** OpenAI's Responses over the same tasks. */
@Module({
  imports: [HttpModule, LifecycleModule, OpenaiModule, TasksModule],
  controllers: [ResponsesController],
  providers: [ResponsesService, ResponseKeeper, ResponseRecords, ResponseHistory],
})
export class ResponsesModule {}
