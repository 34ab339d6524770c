import type { EngineTarget, Tokenizer, TokenizerQuestion, Tokens } from '../engine-adapter.port';
import type { EngineHttp } from '../wire/engine-http';
import { askTokenizer, textOf, tokenIdsOf } from '../wire/token-list';

/** vLLM's `/tokenize` and `/detokenize`, whose form is the one that questions have. */
export class VllmTokenizer implements Tokenizer {
  constructor(
    private readonly engine: string,
    private readonly http: EngineHttp,
  ) {}

  async tokenize(target: EngineTarget, question: TokenizerQuestion, signal: AbortSignal): Promise<Tokens> {
    const { tokens, token_strs: texts } = await this.ask('/tokenize', target, question, signal);
    return {
      ids: tokenIdsOf(this.engine, tokens),
      ...(Array.isArray(texts) && { texts: texts.map(text => textOf(this.engine, text)) }),
    };
  }

  async detokenize(target: EngineTarget, question: TokenizerQuestion, signal: AbortSignal): Promise<string> {
    const { prompt } = await this.ask('/detokenize', target, question, signal);
    return textOf(this.engine, prompt);
  }

  private ask(route: string, target: EngineTarget, { model, body }: TokenizerQuestion, signal: AbortSignal) {
    const asked = { ...body, ...(model !== undefined && { model }) };
    return askTokenizer(this.engine, this.http, target, { route, body: asked }, signal);
  }
}
