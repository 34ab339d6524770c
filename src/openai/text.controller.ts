import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CorrelatesItself } from '../http/routes/route-marks';
import { DirectRoutes } from '../http/routes/direct-routes';
import { ApiOpenaiWork } from './documents/openai-work.docs';
import { OpenaiWork } from './openai-work.service';

const isTask =
  "As OpenAI's API has it, streamed with `stream`. Members that are not named here go to the engine as they are. It is a task: it is " +
  'queued, shows in `/v2/tasks` and can be cancelled there; when its client leaves, its work ends.';

/** Text from a model, as OpenAI's API has it. */
@ApiTags('openai')
@CorrelatesItself()
@Controller('v1')
export class TextController {
  constructor(
    private readonly work: OpenaiWork,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /v1/chat/completions', (request, reply) => this.chat(request, reply));
    directRoutes.serve('POST /v1/completions', (request, reply) => this.complete(request, reply));
  }

  @Post('chat/completions')
  @HttpCode(200)
  @ApiOperation({ summary: 'Answer a chat', description: isTask })
  @ApiOpenaiWork('chat')
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.answer('chat', request, reply);
  }

  @Post('completions')
  @HttpCode(200)
  @ApiOperation({ summary: 'Complete a prompt, or several', description: isTask })
  @ApiOpenaiWork('completion')
  complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.answer('completion', request, reply);
  }
}
