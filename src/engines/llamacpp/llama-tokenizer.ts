import type { EngineTarget, Tokenizer, TokenizerQuestion, Tokens } from '../engine-adapter.port';
import type { EngineHttp } from '../wire/engine-http';
import { itemsOf, membersOf } from '../wire/engine-json';
import { askTokenizer, textOf, tokenIdsOf } from '../wire/token-list';

const PIECES_MAX = 1 << 20;

/**
 * llama.cpp's `/tokenize` and `/detokenize`; a chat is made a prompt by its model's template first (`/apply-template`). The special
 * tokens of a prompt's start are added unless the question says otherwise, as vLLM does; a chat's template has them.
 */
export class LlamaTokenizer implements Tokenizer {
  constructor(
    private readonly engine: string,
    private readonly http: EngineHttp,
  ) {}

  async tokenize(target: EngineTarget, question: TokenizerQuestion, signal: AbortSignal): Promise<Tokens> {
    const { model, body } = question;
    const { prompt, messages, add_special_tokens: addSpecial, return_token_strs: withTexts, ...options } = body;
    const isChat = messages !== undefined;
    const content = isChat ? await this.promptOf(target, { model, messages, ...options }, signal) : prompt;
    const add_special = addSpecial ?? !isChat;
    const asked = { model, content, add_special, ...(withTexts === true && { with_pieces: true }) };
    const { tokens } = await this.ask('/tokenize', target, asked, signal);
    if (withTexts !== true) return { ids: tokenIdsOf(this.engine, tokens) };
    const pieces = itemsOf(tokens, PIECES_MAX).map(membersOf);
    return {
      ids: tokenIdsOf(
        this.engine,
        pieces.map(({ id }) => id),
      ),
      texts: pieces.map(({ piece }) => pieceOf(piece)),
    };
  }

  async detokenize(target: EngineTarget, { model, body }: TokenizerQuestion, signal: AbortSignal): Promise<string> {
    const { content } = await this.ask('/detokenize', target, { model, tokens: body['tokens'] }, signal);
    return textOf(this.engine, content);
  }

  private async promptOf(target: EngineTarget, body: object, signal: AbortSignal): Promise<string> {
    const { prompt } = await this.ask('/apply-template', target, body, signal);
    return textOf(this.engine, prompt);
  }

  private ask(route: string, target: EngineTarget, body: object, signal: AbortSignal) {
    return askTokenizer(this.engine, this.http, target, { route, body }, signal);
  }
}

/** Bytes that are no text by themselves come as numbers. */
function pieceOf(piece: unknown): string {
  if (!Array.isArray(piece)) return typeof piece === 'string' ? piece : '';
  return Buffer.from(piece.map(Number)).toString('utf8');
}
