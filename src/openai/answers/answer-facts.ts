import type { OpenaiRequest } from '../requests/openai-request';
import type { Admission } from '../../tasks/admission/admission.service';
import type { EndData } from '../../tasks/events/task-events';
import type { FinishReason } from '../../engines/engine-adapter.port';

const SECOND_MS = 1000;

/** What stands in every piece of one answer. */
export interface AnswerFacts {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** By the name that was asked for. */
  readonly model: string;
}

const idPrefixes = { chat: 'chatcmpl', completion: 'cmpl', embedding: 'embd', rerank: 'rerank' } as const;

export function factsOf(request: OpenaiRequest, { spec, facts }: Admission): AnswerFacts {
  return factsFor(request, spec.taskId, facts.admittedAtMs);
}

/** @param createdAtMs Unix milliseconds */
export function factsFor({ operation, model }: OpenaiRequest, taskId: string, createdAtMs: number): AnswerFacts {
  return { id: `${idPrefixes[operation]}-${taskId}`, created: Math.floor(createdAtMs / SECOND_MS), model };
}

/** Usage as OpenAI's API has it. Prompt tokens are 0 where the engine did not count them. */
export function usageOf({ tokens_in = 0, tokens_cached, tokens_out, tokens_reasoning }: EndData): object {
  return {
    prompt_tokens: tokens_in,
    completion_tokens: tokens_out,
    total_tokens: tokens_in + tokens_out,
    ...(tokens_cached !== undefined && { prompt_tokens_details: { cached_tokens: tokens_cached } }),
    ...(tokens_reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: tokens_reasoning } }),
  };
}

/** Some engines say `stop` of an answer that calls tools. */
export function finishOf(reason: string, callsTools: boolean): FinishReason {
  return callsTools && reason === 'stop' ? 'tool_calls' : (reason as FinishReason);
}
