import type { FinishReason } from '../../engines/engine-adapter.port';
import type { Admission } from '../../tasks/admission/admission.service';
import type { EndData } from '../../tasks/events/task-events';
import type { MessageRequest } from '../requests/message-request';

/** What stands in every piece of one message. */
export interface MessageFacts {
  readonly id: string;
  /** By the name that was asked for. */
  readonly model: string;
  readonly showsThinking: boolean;
}

export function messageFactsOf({ chat, showsThinking }: MessageRequest, { spec }: Admission): MessageFacts {
  return { id: `msg_${spec.taskId}`, model: chat.model, showsThinking };
}

/** Usage as Anthropic's API has it: what came from the cache is not in `input_tokens`. 0 where the engine did not count. */
export function messageUsageOf({ tokens_in: read = 0, tokens_cached: cached = 0, tokens_out: made }: EndData): object {
  return {
    input_tokens: Math.max(0, read - cached),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: made,
  };
}

const stopReasons: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

/** Why a message ended. Some engines say `stop` of an answer that calls tools. */
export function stopOf(finish: string, callsTools: boolean, stopString: string | undefined): object {
  if (callsTools && finish === 'stop') return { stop_reason: 'tool_use', stop_sequence: null };
  if (stopString !== undefined && finish === 'stop') return { stop_reason: 'stop_sequence', stop_sequence: stopString };
  return { stop_reason: stopReasons[finish as FinishReason], stop_sequence: null };
}
