import type { ServiceError } from '../../errors/service-error';
import type { EngineEvent, EngineUsage } from '../engine-adapter.port';
import { membersOf } from '../wire/engine-json';
import { ChunkFormat, type Chunk } from '../wire/openai/chunk-format';
import { legacyLogprobs } from '../wire/openai/logprobs';
import { ResultFormat } from '../wire/openai/result-format';
import type { TokenCounts } from '../wire/openai/usage';
import { progressOf, timesOf } from './figures';
import { llamacppError } from './llamacpp-error';

/**
 * llama.cpp's streams in OpenAI's form, with what it adds: progress in the prompt, times, and a usage of its own for each choice, of which
 * neither is the last word before `[DONE]`.
 */
export class LlamaChunkFormat extends ChunkFormat {
  private times: Partial<EngineUsage> = {};

  protected override notice({ timings, prompt_progress: progress }: Chunk, into: EngineEvent[]): void {
    if (timings !== undefined) this.times = timesOf(timings);
    if (progress !== undefined) into.push(...progressOf(progress));
  }

  /** A prompt is counted with each of its choices. */
  protected override added(before: TokenCounts, now: TokenCounts): TokenCounts {
    const { tokensIn, tokensOut, tokensCached } = before;
    const prompts = this.expected.prompts;
    return {
      ...now,
      ...(tokensOut !== undefined && { tokensOut: tokensOut + (now.tokensOut ?? 0) }),
      ...(tokensIn !== undefined && { tokensIn: prompts > 1 ? tokensIn + (now.tokensIn ?? 0) : tokensIn }),
      ...(tokensCached !== undefined && { tokensCached: Math.max(tokensCached, now.tokensCached ?? 0) }),
    };
  }

  /** Of one choice each; those of several say nothing about all. */
  protected override figures(): Partial<EngineUsage> {
    return this.expected.choices === 1 ? this.times : {};
  }

  protected override errorOf(status: number, body: unknown): ServiceError {
    return llamacppError(status, body);
  }

  /** The older route has a chat's logprobs here. */
  protected override logprobsOf(logprobs: unknown): unknown {
    const { content } = membersOf(logprobs);
    return this.expected.operation === 'chat' || !Array.isArray(content) ? logprobs : legacyLogprobs(content);
  }
}

export class LlamaResultFormat extends ResultFormat {
  protected override errorOf(status: number, body: unknown): ServiceError {
    return llamacppError(status, body);
  }
}
