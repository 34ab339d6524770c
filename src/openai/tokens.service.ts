import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { closedSignal } from '../http/answers/when-closed';
import { Tokenizers, type FoundTokenizer } from './requests/tokenizers';
import { toTokenizerRequest } from './requests/tokenizer-request';

/** A long text takes an engine tens of milliseconds. */
const ANSWER_MS = 30_000;

/** Questions to the tokenizers of models, answered as vLLM does. */
@Injectable()
export class TokensService {
  constructor(private readonly tokenizers: Tokenizers) {}

  async tokenize(sent: unknown, response: ServerResponse): Promise<object> {
    const { found, question, signal } = await this.ask('tokenize', sent, response);
    const { ids, texts } = await found.tokenizer.tokenize(found.target, question, signal);
    return { count: ids.length, max_model_len: found.ctxMax ?? null, tokens: ids, token_strs: texts ?? null };
  }

  async detokenize(sent: unknown, response: ServerResponse): Promise<object> {
    const { found, question, signal } = await this.ask('detokenize', sent, response);
    return { prompt: await found.tokenizer.detokenize(found.target, question, signal) };
  }

  private async ask(verb: 'tokenize' | 'detokenize', sent: unknown, response: ServerResponse) {
    const { model: asked, body } = toTokenizerRequest(verb, sent);
    const found: FoundTokenizer = await this.tokenizers.of(asked);
    const question = { body, ...(found.model !== undefined && { model: found.model }) };
    return { found, question, signal: AbortSignal.any([closedSignal(response), AbortSignal.timeout(ANSWER_MS)]) };
  }
}
