import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { OpenaiModule } from '../openai/openai.module';
import { TasksModule } from '../tasks/tasks.module';
import { ConversationsController } from './conversations.controller';
import { ConversationsService } from './conversations.service';
import { ConversationRecords } from './records/conversation-records';
import { Conversations } from './records/conversations';
import { ResponseHistory } from './records/response-history';
import { ResponseKeeper } from './records/response-keeper';
import { ResponseRecords } from './records/response-records';
import { ResponsesController } from './responses.controller';
import { ResponsesService } from './responses.service';

/** OpenAI's Responses, and the conversations that they are made in, over the same tasks. */
@Module({
  imports: [HttpModule, LifecycleModule, OpenaiModule, TasksModule],
  controllers: [ResponsesController, ConversationsController],
  providers: [
    ResponsesService,
    ResponseKeeper,
    ResponseRecords,
    ResponseHistory,
    ConversationsService,
    ConversationRecords,
    Conversations,
  ],
})
export class ResponsesModule {}
