import { randomInt } from 'node:crypto';
import type { GenerationRequest } from './generation-request';
import { randomSeries, tokenId } from './vocabulary';

/** Where a text ends by itself when the request sets no bound. */
const EOS_AFTER_TOKENS = 64;

export interface GeneratedToken {
  readonly id: number;
  /** Empty while it may turn out to be the beginning of a stop word. */
  readonly text: string;
  /** What of an answer it belongs to; undefined: its text. */
  readonly part?: SpeechPart;
}

/** A part of an answer that is not its text. A call opens with a token of no text. */
export type SpeechPart =
  | { readonly kind: 'reasoning' }
  | { readonly kind: 'call'; readonly index: number; readonly name: string; readonly opens: boolean };

/** What tokens come from, and what has come from it so far. */
export interface Source {
  readonly produced: number;
  /** Everything said so far, stop words left out. */
  readonly text: string;
  readonly reasoning: string;
  readonly reasoningTokens: number;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  /** Filled only where the request wants them. */
  readonly tokenIds: readonly number[];
  /** Filled only where the request wants something told about them. */
  readonly tokens: readonly GeneratedToken[];
  /** Set once the last token was drawn. */
  readonly ending: Ending | undefined;
  /** The next token, or undefined once ended. */
  next(): GeneratedToken | undefined;
}

/** Why a generation stopped, in llama.cpp's words. */
export interface Ending {
  readonly stopType: 'limit' | 'eos' | 'word';
  readonly stoppingWord: string;
}

/** Draws the tokens of one request: the same ones for the same seed and prompt. */
export class TokenSource implements Source {
  produced = 0;
  text = '';
  readonly reasoning = '';
  readonly reasoningTokens = 0;
  readonly calls = [];
  ending: Ending | undefined;
  readonly tokenIds: number[] = [];
  readonly tokens: GeneratedToken[] = [];
  private held = '';
  private readonly random: () => number;
  private readonly limit: number;
  private readonly limitIsEos: boolean;

  constructor(
    private readonly request: GenerationRequest,
    private readonly vocabulary: readonly string[],
    ctxTokens: number,
  ) {
    const seed = request.seed ?? randomInt(2 ** 47);
    this.random = randomSeries(`${seed}\n${request.prompt}`);
    const room = Math.max(0, ctxTokens - request.promptTokens);
    const wanted = request.maxTokens >= 0 ? request.maxTokens : request.ignoreEos ? Infinity : EOS_AFTER_TOKENS;
    this.limit = Math.min(wanted, room);
    this.limitIsEos = request.maxTokens < 0 && !request.ignoreEos && wanted <= room;
    if (this.limit === 0) this.end('limit');
  }

  next(): GeneratedToken | undefined {
    const token = this.draw();
    if (token && this.request.logprobs !== undefined) this.tokens.push(token);
    return token;
  }

  private draw(): GeneratedToken | undefined {
    if (this.ending) return undefined;
    const word = this.vocabulary[Math.floor(this.random() * this.vocabulary.length)] ?? '';
    const id = tokenId(word);
    if (this.request.returnTokens) this.tokenIds.push(id);
    this.produced++;
    this.held += word;
    const stop = this.stopWordInHeld();
    if (stop) {
      this.held = this.held.slice(0, stop.at);
      this.end('word', stop.word);
    } else if (this.produced >= this.limit) {
      this.end(this.limitIsEos ? 'eos' : 'limit');
    } else if (this.endsLikeAStopWord()) {
      return { id, text: '' };
    }
    const text = this.held;
    this.held = '';
    this.text += text;
    return { id, text };
  }

  private end(stopType: Ending['stopType'], stoppingWord = ''): void {
    this.ending = { stopType, stoppingWord };
  }

  private stopWordInHeld(): { word: string; at: number } | undefined {
    const found = this.request.stop.map(word => ({ word, at: this.held.indexOf(word) })).filter(({ at }) => at >= 0);
    return found.sort((a, b) => a.at - b.at)[0];
  }

  private endsLikeAStopWord(): boolean {
    return this.request.stop.some(word => {
      for (let length = Math.min(word.length - 1, this.held.length); length > 0; length--) {
        if (this.held.endsWith(word.slice(0, length))) return true;
      }
      return false;
    });
  }
}
