import type { RunResult } from '../../run-times';
import { letterId } from '../random-id';
import { finishOf, type Answer, type ChatStyle, type Finish } from './chat-format';
import { countsOf } from './counts';
import { chatRefusals, textRefusals } from './errors';
import { chatLogprobs } from './logprobs';
import { wholeLogprobs, wholeText, type TextStyle } from './text-format';

const TIER = { service_tier: 'default', system_fingerprint: null } as const;

const reason = ({ why }: Finish) => (why === 'limit' ? 'length' : why === 'calls' ? 'tool_calls' : 'stop');

/** `/v1/chat/completions` as OpenAI itself words it. What the model thought is counted, not shown. */
export function openaiChatStyle(answer: Answer, includeUsage: boolean, shows: Shows): ChatStyle {
  const { id, created, model } = answer;
  const head = (object: string) => ({ id, object, created, model });
  return {
    refusals: chatRefusals,
    headAt: 'output',
    answer,
    finishWithText: false,
    callId: () => `call_${letterId(24)}`,
    delta: {
      role: { role: 'assistant', content: '', refusal: null },
      text: content => ({ content }),
      reasoning: reasoning => (shows.reasoning ? { [shows.reasoning]: reasoning } : undefined),
      callOpens: call => ({
        tool_calls: [
          { index: call.index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
        ],
      }),
      callPart: ({ index }, text) => ({ tool_calls: [{ index, function: { arguments: text } }] }),
      finish: {},
    },
    choice: (index, delta, finish, logprobs) => ({
      index,
      delta,
      ...(logprobs && { logprobs }),
      finish_reason: finish ? reason(finish) : null,
    }),
    chunk: choices => ({
      ...head('chat.completion.chunk'),
      ...TIER,
      choices,
      ...(includeUsage && { usage: null }),
      ...(shows.obfuscation && { obfuscation: letterId(6) }),
    }),
    usageChunk: results =>
      includeUsage
        ? {
            ...head('chat.completion.chunk'),
            ...TIER,
            choices: [],
            usage: usage(results),
            ...(shows.obfuscation && { obfuscation: letterId(6) }),
          }
        : undefined,
    plain: results => ({
      ...head('chat.completion'),
      choices: results.map(result => ({
        index: result.index,
        message: message(result, shows),
        ...(result.request.logprobs !== undefined && {
          logprobs: chatLogprobs(result.source.tokens, result.request.logprobs),
        }),
        finish_reason: reason(finishOf(result.source, result.ending)),
      })),
      usage: usage(results),
      ...TIER,
    }),
  };
}

/** What servers of this API do differently. */
export interface Shows {
  /** The member in which a thought is shown; undefined: it is not, as with OpenAI. */
  readonly reasoning: string | undefined;
  readonly obfuscation: boolean;
}

function message({ source }: RunResult, shows: Shows): object {
  const { calls, reasoning, text } = source;
  const made = calls.map(call => ({ id: `call_${letterId(24)}`, type: 'function', function: { ...call } }));
  return {
    role: 'assistant',
    content: calls.length > 0 ? null : text,
    ...(shows.reasoning && reasoning !== '' && { [shows.reasoning]: reasoning }),
    ...(made.length > 0 && { tool_calls: made }),
    refusal: null,
    annotations: [],
  };
}

/** `/v1/completions` as OpenAI itself words it. */
export function openaiTextStyle({ id, created, model }: Answer, includeUsage: boolean, echo: boolean): TextStyle {
  const head = { id, object: 'text_completion', created };
  return {
    refusals: textRefusals,
    headAt: 'output',
    echo,
    finishWithText: false,
    choice: ({ index }, text, finish, logprobs) => ({
      text,
      index,
      logprobs,
      finish_reason: finish ? reason(finish) : null,
    }),
    chunk: choices => ({ ...head, choices, model, ...(includeUsage && { usage: null }) }),
    usageChunk: results => (includeUsage ? { ...head, model, usage: plainUsage(results), choices: [] } : undefined),
    plain: results => ({
      ...head,
      model,
      choices: results.map(result => ({
        text: wholeText(result, echo),
        index: result.index,
        logprobs: wholeLogprobs(result),
        finish_reason: reason(finishOf(result.source, result.ending)),
      })),
      usage: plainUsage(results),
    }),
  };
}

function plainUsage(results: readonly RunResult[]): object {
  const { prompt, completion } = countsOf(results);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function usage(results: readonly RunResult[]): object {
  return {
    ...plainUsage(results),
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: countsOf(results).reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
