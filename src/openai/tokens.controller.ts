import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiTokens } from './documents/tokens.docs';
import { TokensService } from './tokens.service';

const into =
  "A prompt, or a chat by its model's template, as the model's tokenizer has it. As vLLM has it: members that are not named here go to a vLLM as they are. It is no task, and takes no slot.";
const back = 'As vLLM has it. It is no task, and takes no slot.';

/** The tokens of a model, where its engine lets its tokenizer be asked. */
@ApiTags('openai')
@Controller()
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Post('v1/tokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make tokens of a text or a chat', description: into })
  @ApiTokens('tokenize')
  tokenize(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.tokens.tokenize(request.body, reply.raw);
  }

  @Post('tokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make tokens, as `/v1/tokenize` does', description: into })
  @ApiTokens('tokenize')
  tokenizeAtRoot(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.tokens.tokenize(request.body, reply.raw);
  }

  @Post('v1/detokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a text of tokens', description: back })
  @ApiTokens('detokenize')
  detokenize(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.tokens.detokenize(request.body, reply.raw);
  }

  @Post('detokenize')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a text of tokens, as `/v1/detokenize` does', description: back })
  @ApiTokens('detokenize')
  detokenizeAtRoot(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    return this.tokens.detokenize(request.body, reply.raw);
  }
}
