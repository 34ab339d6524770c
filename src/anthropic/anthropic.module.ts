import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { OpenaiModule } from '../openai/openai.module';
import { AnthropicWork } from './anthropic-work.service';
import { MessagesController } from './messages.controller';

/** Anthropic's Messages API over the same tasks. */
@Module({
  imports: [HttpModule, OpenaiModule],
  controllers: [MessagesController],
  providers: [AnthropicWork],
})
export class AnthropicModule {}
