import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { OpenaiModule } from '../openai/openai.module';
import { OllamaWork } from './ollama-work.service';
import { OllamaController } from './ollama.controller';

/** Ollama's API over the same tasks. */
@Module({
  imports: [HttpModule, OpenaiModule],
  controllers: [OllamaController],
  providers: [OllamaWork],
})
export class OllamaApiModule {}
