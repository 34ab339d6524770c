import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DirectRoutes } from '../http/routes/direct-routes';
import { CorrelatesItself } from '../http/routes/route-marks';
import { ApiOllamaAnswer, ApiOllamaWork } from './documents/ollama.docs';
import { notDone, OllamaWork } from './ollama-work.service';
import { toChat, toGeneration } from './requests/ollama-request';

/** The version of Ollama whose API this is: clients ask for it before they use what is new in it. */
const OLLAMA_VERSION = '0.13.0';

const isTask =
  'As Ollama has it, in lines of JSON unless `stream` is false. It is a task; when its client leaves, its work ends.';

/** Ollama's API, as far as programs need it that know no other: models are read, and never changed. */
@ApiTags('ollama')
@CorrelatesItself()
@Controller('api')
export class OllamaController {
  constructor(
    private readonly work: OllamaWork,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /api/chat', (request, reply) => this.chat(request, reply));
    directRoutes.serve('POST /api/generate', (request, reply) => this.generate(request, reply));
    directRoutes.serve('POST /api/embed', (request, reply) => this.embed(request, reply));
    directRoutes.serve('POST /api/embeddings', (request, reply) => this.embedOne(request, reply));
  }

  @Post('chat')
  @HttpCode(200)
  @ApiOperation({ summary: 'Answer a chat', description: isTask })
  @ApiOllamaWork('messages', true)
  async chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.text(toChat(request.body), 'message', request, reply);
  }

  @Post('generate')
  @HttpCode(200)
  @ApiOperation({ summary: 'Go on from a prompt', description: isTask })
  @ApiOllamaWork('prompt', true)
  async generate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.text(toGeneration(request.body), 'response', request, reply);
  }

  @Post('embed')
  @HttpCode(200)
  @ApiOperation({ summary: 'Embed texts', description: 'As Ollama has it. It is a task.' })
  @ApiOllamaWork('input', false)
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.embed('input', request, reply);
  }

  @Post('embeddings')
  @HttpCode(200)
  @ApiOperation({ summary: 'Embed a text, as older clients ask', description: 'As Ollama has it. It is a task.' })
  @ApiOllamaWork('prompt', false)
  embedOne(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<unknown> {
    return this.work.embed('prompt', request, reply);
  }

  @Get('tags')
  @ApiOperation({ summary: 'List models', description: 'Those that engines have and that may be used.' })
  @ApiOllamaAnswer('All of them.')
  list(): object {
    return this.work.list();
  }

  @Get('ps')
  @ApiOperation({ summary: 'List models in memory', description: 'Those that engines which are ready have loaded.' })
  @ApiOllamaAnswer('All of them.')
  loaded(): object {
    return this.work.loaded();
  }

  @Post('show')
  @HttpCode(200)
  @ApiOperation({ summary: 'Look a model up', description: 'As far as engines tell of it.' })
  @ApiOllamaWork('model', false)
  show(@Req() { body }: FastifyRequest): Promise<object> {
    return this.work.show(body);
  }

  @Get('version')
  @ApiOperation({
    summary: 'Tell the version',
    description: 'Of Ollama, whose API this is; `/v2/meta/version` tells that of the service.',
  })
  @ApiOllamaAnswer('The version.')
  version(): object {
    return { version: OLLAMA_VERSION };
  }

  @Post('pull')
  @ApiExcludeEndpoint()
  pull(): never {
    throw notDone('To pull a model');
  }

  @Post('create')
  @ApiExcludeEndpoint()
  create(): never {
    throw notDone('To create a model');
  }
}
