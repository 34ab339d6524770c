import type { Admission } from '../../tasks/admission/admission.service';
import type { EndData } from '../../tasks/events/task-events';

/** In which form text is told: that of a chat, or that of a generation. */
export type TextForm = 'message' | 'response';

export interface OllamaFacts {
  /** By the name that was asked for. */
  readonly model: string;
  readonly createdAt: string;
  readonly form: TextForm;
}

const NANOSECONDS_A_MS = 1_000_000;

export function factsOf(model: string, form: TextForm, { facts }: Admission): OllamaFacts {
  return { model, form, createdAt: new Date(facts.admittedAtMs).toISOString() };
}

export interface Said {
  readonly text?: string;
  readonly thought?: string;
  readonly calls?: readonly object[];
}

export function pieceOf({ model, createdAt, form }: OllamaFacts, { text = '', thought, calls }: Said): object {
  const head = { model, created_at: createdAt };
  const thinking = thought !== undefined && { thinking: thought };
  const called = calls !== undefined && { tool_calls: calls };
  return form === 'message'
    ? { ...head, message: { role: 'assistant', content: text, ...thinking, ...called } }
    : { ...head, response: text, ...thinking, ...called };
}

/** Durations are nanoseconds there; that of the whole is what the engine told of its parts. */
export function endOf({ finish_reason: finish, ...data }: EndData): object {
  const { tokens_in: read = 0, tokens_out: made, prompt_time_ms: readMs = 0, decode_time_ms: madeMs } = data;
  const nanoseconds = (ms: number): number => Math.round(ms * NANOSECONDS_A_MS);
  return {
    done: true,
    done_reason: finish === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(readMs + madeMs),
    load_duration: 0,
    prompt_eval_count: read,
    prompt_eval_duration: nanoseconds(readMs),
    eval_count: made,
    eval_duration: nanoseconds(madeMs),
  };
}
