import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DirectRoutes } from '../http/routes/direct-routes';
import { CorrelatesItself } from '../http/routes/route-marks';
import { AnthropicWork } from './anthropic-work.service';
import { ApiMessageCount, ApiMessages } from './documents/messages.docs';

/** Messages, as Anthropic's API has them. */
@ApiTags('anthropic')
@CorrelatesItself()
@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly work: AnthropicWork,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /v1/messages', (request, reply) => this.create(request, reply));
    directRoutes.serve('POST /v1/messages/count_tokens', (request, reply) => this.count(request, reply));
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Answer messages',
    description:
      "As Anthropic's API has it, streamed with `stream`; it becomes a chat. Members that are not named here go to the engine as they are. " +
      'It is a task: it is queued, shows in `/v2/tasks` and can be cancelled there; when its client leaves, its work ends.',
  })
  @ApiMessages()
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.answer(request, reply);
  }

  @Post('count_tokens')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Count the tokens of messages',
    description:
      'By the tokenizer of an engine that has the model, with its template. Where none can be asked it is refused, or with ' +
      '`ORCHD_TOKEN_ESTIMATES` estimated, which `X-Orchd-Estimated` says.',
  })
  @ApiMessageCount()
  count(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.count(request, reply);
  }
}
