import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { OpenaiRequest } from './openai-request';
import { Tokenizers } from './tokenizers';

/** A long chat takes an engine tens of milliseconds. */
const ANSWER_MS = 30_000;
/** Of English, and of most that is written in its letters. */
const CHARACTERS_A_TOKEN = 4;

export interface PromptCount {
  readonly tokens: number;
  /** No tokenizer was asked: it is told from the length of the text. */
  readonly isEstimated: boolean;
}

/** How many tokens the prompt of a chat has, by the tokenizer of an engine that has its model. */
@Injectable()
export class PromptCounts {
  constructor(
    private readonly config: Config,
    private readonly tokenizers: Tokenizers,
  ) {}

  /**
   * @throws ServiceError MODEL_NOT_FOUND, POOL_UNAVAILABLE, NOT_SUPPORTED where no engine of the model has a tokenizer that can be asked
   *   and it is not to be estimated, and those of an engine's run
   */
  async of({ model, body }: OpenaiRequest, signal: AbortSignal): Promise<PromptCount> {
    const { messages, tools } = body;
    try {
      const found = await this.tokenizers.of(model);
      const question = {
        body: { messages, ...(tools !== undefined && { tools }) },
        ...(found.model !== undefined && { model: found.model }),
      };
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const { ids } = await found.tokenizer.tokenize(found.target, question, bounded);
      return { tokens: ids.length, isEstimated: false };
    } catch (thrown) {
      if (!(thrown instanceof ServiceError) || thrown.code !== 'NOT_SUPPORTED' || this.config.tokenEstimates === 'off')
        throw thrown;
      return { tokens: Math.ceil(charactersIn([messages, tools]) / CHARACTERS_A_TOKEN), isEstimated: true };
    }
  }
}

/** Of texts alone, not of the names of members; pictures count for nothing. */
function charactersIn(value: unknown): number {
  if (typeof value === 'string') return value.startsWith('data:') ? 0 : value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, member) => sum + charactersIn(member), 0);
}
