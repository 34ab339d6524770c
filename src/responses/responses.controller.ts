import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DirectRoutes } from '../http/routes/direct-routes';
import { CorrelatesItself, GetOnly } from '../http/routes/route-marks';
import {
  ApiInputTokens,
  ApiItemList,
  ApiNewResponse,
  ApiResponseId,
  ApiResponseView,
} from './documents/responses.docs';
import { itemPage } from './item-page';
import { InputItemsQuery, ResponseQuery } from './responses.dto';
import { ResponsesService } from './responses.service';

/** Responses, as OpenAI's API has them. */
@ApiTags('openai')
@CorrelatesItself()
@Controller('v1/responses')
export class ResponsesController {
  constructor(
    private readonly responses: ResponsesService,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /v1/responses', (request, reply) => this.create(request, reply));
    directRoutes.serve('POST /v1/responses/input_tokens', (request, reply) => this.count(request, reply));
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Make a response',
    description:
      "As OpenAI's API has it: plain, streamed, or in the background, where it goes on by itself and can be asked for, followed and cancelled. " +
      'It becomes a chat, and is a task. It is kept unless `store` is false.',
  })
  @ApiNewResponse()
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.responses.create(request, reply);
  }

  @Post('input_tokens')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Count the tokens that would go into a response',
    description:
      'By the tokenizer of an engine that has the model, with its template. Where none can be asked it is refused, or with ' +
      '`ORCHD_TOKEN_ESTIMATES` estimated, which `X-Orchd-Estimated` says.',
  })
  @ApiInputTokens()
  count(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.responses.count(request, reply);
  }

  @Get(':response_id')
  @GetOnly()
  @ApiOperation({ summary: 'Look a response up', description: 'As it stands, or with `stream` as events.' })
  @ApiResponseId()
  @ApiResponseView('The response.', true)
  async get(
    @Param('response_id') id: string,
    @Query() { stream = false, starting_after: after }: ResponseQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (stream) await this.responses.follow(id, after, reply);
    else void reply.send(await this.responses.get(id));
  }

  @Post(':response_id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a response', description: 'One that runs in the background. It is safe to repeat.' })
  @ApiResponseId()
  @ApiResponseView('The response, as it ended.', false)
  cancel(@Param('response_id') id: string): Promise<object> {
    return this.responses.cancel(id);
  }

  @Delete(':response_id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete a response', description: 'What it put out is gone with it, and its work ends.' })
  @ApiResponseId()
  @ApiResponseView('It is gone.', false)
  remove(@Param('response_id') id: string): Promise<object> {
    return this.responses.remove(id);
  }

  @Get(':response_id/input_items')
  @ApiOperation({ summary: 'List what went into a response', description: 'What was said before it too.' })
  @ApiResponseId()
  @ApiItemList()
  async input(@Param('response_id') id: string, @Query() query: InputItemsQuery): Promise<object> {
    return itemPage(await this.responses.input(id), query);
  }
}
