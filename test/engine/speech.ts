import type { GenerationRequest } from './generation-request';
import type { Say } from './say';
import { TokenSource, type Ending, type GeneratedToken, type Source } from './token-source';
import { tokenId } from './vocabulary';

/** Characters of a token of a text that is given. */
const piece = /[\s\S]{1,4}/gu;

type Planned = Omit<GeneratedToken, 'id'>;

/** An answer in parts: a thought, then tools that are called, a text that is given, or words. */
export class Speech implements Source {
  produced = 0;
  text = '';
  reasoning = '';
  readonly calls: { name: string; arguments: string }[] = [];
  readonly tokenIds: number[] = [];
  readonly tokens: GeneratedToken[] = [];
  ending: Ending | undefined;
  /** Tokens of the thought so far. */
  reasoningTokens = 0;
  private readonly plan: Iterator<Planned>;
  private upcoming: IteratorResult<Planned>;
  private inner: TokenSource | undefined;
  private readonly limit: number;

  constructor(
    private readonly request: GenerationRequest,
    private readonly vocabulary: readonly string[],
    private readonly ctxTokens: number,
  ) {
    const room = Math.max(0, ctxTokens - request.promptTokens);
    this.limit = request.maxTokens >= 0 ? Math.min(request.maxTokens, room) : room;
    this.plan = this.parts(request.say ?? {});
    this.upcoming = this.plan.next();
    if (this.limit === 0) this.ending = { stopType: 'limit', stoppingWord: '' };
  }

  next(): GeneratedToken | undefined {
    if (this.ending || this.upcoming.done) return undefined;
    const token = { ...this.upcoming.value, id: tokenId(this.upcoming.value.text) };
    this.upcoming = this.plan.next();
    this.produced++;
    this.keep(token);
    if (this.upcoming.done) this.ending = this.inner?.ending ?? { stopType: 'eos', stoppingWord: '' };
    else if (this.produced >= this.limit) this.ending = { stopType: 'limit', stoppingWord: '' };
    return token;
  }

  private keep(token: GeneratedToken): void {
    if (this.request.returnTokens) this.tokenIds.push(token.id);
    if (this.request.logprobs !== undefined) this.tokens.push(token);
    const { part, text } = token;
    if (part?.kind === 'reasoning') {
      this.reasoning += text;
      this.reasoningTokens++;
    } else if (part?.kind === 'call') {
      const call = (this.calls[part.index] ??= { name: part.name, arguments: '' });
      call.arguments += text;
    } else this.text += text;
  }

  private *parts({ reasoningTokens = 0, calls = [], text }: Say): Generator<Planned> {
    if (reasoningTokens > 0) {
      const prompt = `${this.request.prompt}\nthought`;
      const ask = { ...this.request, prompt, maxTokens: reasoningTokens, stop: [], returnTokens: false };
      const thought = new TokenSource(ask, this.vocabulary, Infinity);
      for (let token = thought.next(); token; token = thought.next()) {
        yield { text: token.text, part: { kind: 'reasoning' } };
      }
    }
    for (const [index, { name, arguments: json }] of calls.entries()) {
      yield { text: '', part: { kind: 'call', index, name, opens: true } };
      for (const text of json.match(piece) ?? []) yield { text, part: { kind: 'call', index, name, opens: false } };
    }
    if (calls.length > 0) return;
    if (text !== undefined) {
      for (const part of text.match(piece) ?? []) yield { text: part };
      return;
    }
    const { maxTokens } = this.request;
    const left = maxTokens < 0 ? -1 : Math.max(0, maxTokens - reasoningTokens);
    this.inner = new TokenSource({ ...this.request, maxTokens: left }, this.vocabulary, this.ctxTokens);
    for (let token = this.inner.next(); token; token = this.inner.next()) yield { text: token.text };
  }
}
