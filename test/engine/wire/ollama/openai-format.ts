import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { RunResult, RunState } from '../../run-times';
import { DONE, finishOf } from '../openai/chat-format';
import { countsOf, nowSeconds } from '../openai/counts';
import { chatLogprobs } from '../openai/logprobs';
import { letterId } from '../random-id';
import { openaiRefusals } from './errors';

const FINGERPRINT = 'fp_ollama';

/** What of a body, and of the version, concerns the form of an answer. */
export interface OpenaiForm {
  readonly model: string;
  readonly includeUsage: boolean;
  /** Before August 2026: the role on each chunk, the finish with the last content, index 0 for every call. */
  readonly old: boolean;
}

/** Ids are short, and repeat. */
const shortId = (prefix: string) => `${prefix}-${Math.floor(Math.random() * 1000)}`;

/** `/v1/chat/completions` of Ollama. What ends a stream comes in one HTTP chunk. */
export function openaiChatFormat({ model, includeUsage, old }: OpenaiForm): OutputFormat {
  const id = shortId('chatcmpl');
  const created = nowSeconds();
  const head = (name = model) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model: name,
    system_fingerprint: FINGERPRINT,
  });
  const chunk = (delta: object, reason: string | null, logprobs?: object) =>
    frame({ ...head(), choices: [{ index: 0, delta, finish_reason: reason, ...(logprobs && { logprobs }) }] });
  const role = { role: 'assistant' };
  let first = true;
  let held = '';

  return {
    refusals: openaiRefusals(() => ({
      ...head(''),
      choices: [{ index: 0, delta: { content: '' }, finish_reason: null }],
    })),
    headAt: 'output',
    takesAll: true,
    token(run, { part, text }) {
      if (part?.kind === 'call' || text === '') return [];
      const announced = first || old ? role : {};
      first = false;
      const delta = part?.kind === 'reasoning' ? { content: '', reasoning: text } : { content: text };
      const { logprobs } = run.request;
      if (old && run.source.ending) {
        held = text;
        return [];
      }
      return chunk(
        { ...announced, ...delta },
        null,
        logprobs === undefined ? undefined : chatLogprobs([{ id: 0, text }], logprobs),
      );
    },
    end(results) {
      const [result] = results;
      if (!result) return [DONE];
      const calls = callsOf(result.source.calls, old);
      const opening = first || old ? role : {};
      const frames = calls.length > 0 ? [chunk({ ...opening, content: '', tool_calls: calls }, null)] : [];
      const closing = chunk(old ? { ...role, content: held } : {}, reason(result));
      const usageChunk = includeUsage ? frame({ ...head(), choices: [], usage: usage(results) }) : '';
      return [...frames, `${closing}${usageChunk}${DONE}`];
    },
    plain: results => ({
      ...{ id, object: 'chat.completion', created, model, system_fingerprint: FINGERPRINT },
      choices: results.map(result => ({
        index: 0,
        message: message(result, old),
        finish_reason: reason(result),
        ...logprobsOf(result),
      })),
      usage: usage(results),
    }),
  };
}

/** `/v1/completions` of Ollama. Where usage is asked for, each chunk has one of zeros. */
export function openaiTextFormat({ model, includeUsage }: OpenaiForm): OutputFormat {
  const id = shortId('cmpl');
  const created = nowSeconds();
  const zeros = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const chunk = (choices: readonly object[], name: string, counts: object) => ({
    ...{ id, object: 'text_completion', created, choices, model: name, system_fingerprint: FINGERPRINT },
    ...(includeUsage && { usage: counts }),
  });
  const choice = (text: string, why: string | null) => ({ text, index: 0, finish_reason: why });
  return {
    refusals: openaiRefusals(() => chunk([choice('', null)], '', zeros)),
    headAt: 'output',
    takesAll: true,
    token: (_, { text }) => (text === '' ? [] : frame(chunk([choice(text, null)], model, zeros))),
    end: results => {
      const closing = frame(chunk([choice('', results[0] ? reason(results[0]) : 'stop')], model, zeros));
      return [`${closing}${includeUsage ? frame(chunk([], model, usage(results))) : ''}${DONE}`];
    },
    plain: results => ({
      ...{ id, object: 'text_completion', created, model, system_fingerprint: FINGERPRINT },
      choices: results.map(result => choice(result.source.text, reason(result))),
      usage: usage(results),
    }),
  };
}

function message({ source }: RunResult, old: boolean): object {
  const calls = callsOf(source.calls, old);
  return {
    role: 'assistant',
    content: source.text,
    ...(source.reasoning !== '' && { reasoning: source.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function callsOf(calls: RunState['source']['calls'], old: boolean): readonly object[] {
  return calls.map((call, index) => ({
    id: `call_${letterId(8).toLowerCase()}`,
    index: old ? 0 : index,
    type: 'function',
    function: { ...call },
  }));
}

function reason({ source, ending }: RunResult): string {
  const { why } = finishOf(source, ending);
  return why === 'limit' ? 'length' : why === 'calls' ? 'tool_calls' : 'stop';
}

function logprobsOf({ request, source }: RunResult): object {
  return request.logprobs === undefined ? {} : { logprobs: chatLogprobs(source.tokens, request.logprobs) };
}

function usage(results: readonly RunResult[]): object {
  const { prompt, completion } = countsOf(results);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
