import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CorrelatesItself } from '../http/routes/route-marks';
import { DirectRoutes } from '../http/routes/direct-routes';
import { ApiOpenaiWork } from './documents/openai-work.docs';
import { OpenaiWork } from './openai-work.service';

const ranks =
  'As Jina has it: the documents in the order in which they answer the query. `/rerank` and `/v1/rerank` are the same.';

/** Embeddings as OpenAI's API has them, and ranks, which it has not. */
@ApiTags('openai')
@CorrelatesItself()
@Controller()
export class VectorsController {
  constructor(
    private readonly work: OpenaiWork,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /v1/embeddings', (request, reply) => this.embed(request, reply));
    directRoutes.serve('POST /v1/rerank', (request, reply) => this.rank(request, reply));
    directRoutes.serve('POST /rerank', (request, reply) => this.rank(request, reply));
  }

  @Post('v1/embeddings')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Embed texts',
    description: "As OpenAI's API has it, as numbers or in base64. It is a task.",
  })
  @ApiOpenaiWork('embedding')
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.answer('embedding', request, reply);
  }

  @Post('v1/rerank')
  @HttpCode(200)
  @ApiOperation({ summary: 'Rank documents', description: ranks })
  @ApiOpenaiWork('rerank')
  rank(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.answer('rerank', request, reply);
  }

  @Post('rerank')
  @HttpCode(200)
  @ApiOperation({ summary: 'Rank documents, as `/v1/rerank` does', description: ranks })
  @ApiOpenaiWork('rerank')
  rankAtRoot(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.rank(request, reply);
  }
}
