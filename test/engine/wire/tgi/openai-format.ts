import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { RunResult, RunState } from '../../run-times';
import type { GeneratedToken } from '../../token-source';
import { countsOf, nowSeconds } from '../openai/counts';
import { chatLogprobs } from '../openai/logprobs';
import { openaiRefusals } from './errors';
import { headersOf } from './native-format';

const DONE = frame('[DONE]');
const FINGERPRINT = '3.3.6-dev0-native';

/** `/v1/chat/completions`: the role in every delta, an id of nothing, one call at most. */
export function chatFormat(model: string, includeUsage: boolean): OutputFormat {
  let held: object | undefined;
  let heldCall = '';
  const chunk = (choices: readonly object[], usage: object | null) =>
    frame({
      object: 'chat.completion.chunk',
      id: '',
      created: nowSeconds(),
      model,
      system_fingerprint: FINGERPRINT,
      choices,
      usage,
    });
  const delta = (content: object, reason: string | null, logprobs: object | null = null) =>
    chunk([{ index: 0, delta: { role: 'assistant', ...content }, logprobs, finish_reason: reason }], null);

  return {
    refusals: openaiRefusals,
    headAt: 'request',
    token(run, token) {
      if (token.part?.kind === 'call') {
        if (token.part.opens) {
          heldCall = token.part.name;
          return [];
        }
        const name = heldCall === '' ? null : heldCall;
        heldCall = '';
        return delta({ tool_calls: [call({ name, arguments: token.text }, true)] }, null);
      }
      const before = held;
      held = { content: token.text, logprobs: logprobsOf(run, [token]) };
      return before ? said(before, null) : [];
    },
    closing(result) {
      // A call that ends by itself ends without a reason.
      if (result.source.calls.length > 0) return [];
      const reason = reasonOf(result);
      if (!held) return [delta({ content: '' }, reason)];
      return result.ending.stopType === 'eos'
        ? [said(held, null), delta({ content: '' }, reason)]
        : [said(held, reason)];
    },
    end: results => (includeUsage ? [chunk([], usageOf(results)), DONE] : [DONE]),
    headers: headersOf,
    plain: results => ({
      ...{ object: 'chat.completion', id: '', created: nowSeconds(), model, system_fingerprint: FINGERPRINT },
      choices: results.map(result => ({
        index: 0,
        message: messageOf(result),
        logprobs: logprobsOf(result, result.source.tokens),
        finish_reason: reasonOf(result),
      })),
      usage: usageOf(results),
    }),
  };

  function said(content: object, reason: string | null): string {
    const { logprobs, ...rest } = content as { logprobs: object | null };
    return delta(rest, reason, logprobs);
  }
}

/** `/v1/completions`: a reason of nothing in the middle, usage at the end, asked for or not. */
export function textFormat(model: string): OutputFormat {
  const held = new Map<number, string>();
  const choice = (index: number, text: string, reason: string) => ({
    index,
    text,
    logprobs: null,
    finish_reason: reason,
  });
  const chunk = (choices: readonly object[]) =>
    frame({
      object: 'text_completion',
      id: '',
      created: nowSeconds(),
      choices,
      model,
      system_fingerprint: FINGERPRINT,
    });
  const last = (result: RunResult, text: string) =>
    frame({
      ...{ object: 'text_completion', id: '', created: nowSeconds(), model, system_fingerprint: FINGERPRINT },
      choices: [choice(result.index, text, textReason(result))],
      usage: usageOf([result]),
    });
  return {
    refusals: openaiRefusals,
    headAt: 'request',
    token({ index }, { text }) {
      const before = held.get(index);
      held.set(index, text);
      return before === undefined ? [] : chunk([choice(index, before, '')]);
    },
    closing(result) {
      const text = held.get(result.index) ?? '';
      if (result.ending.stopType !== 'eos') return [last(result, text)];
      return [chunk([choice(result.index, text, '')]), last(result, '')];
    },
    end: () => [DONE],
    headers: headersOf,
    plain: results => ({
      ...{ object: 'text_completion', id: '', created: nowSeconds(), model, system_fingerprint: FINGERPRINT },
      choices: results.map(result => choice(result.index, result.source.text, textReason(result))),
      usage: usageOf(results),
    }),
  };
}

function messageOf({ source }: RunResult): object {
  const [first] = source.calls;
  if (!first) return { role: 'assistant', content: source.text };
  return { role: 'assistant', tool_calls: [call({ description: null, ...first }, false)] };
}

function call(content: object, indexed: boolean): object {
  return { ...(indexed && { index: 0 }), id: '0', type: 'function', function: content };
}

function reasonOf({ ending: { stopType } }: RunResult): string {
  return stopType === 'limit' ? 'length' : stopType === 'eos' ? 'stop' : 'stop_sequence';
}

function textReason({ ending: { stopType } }: RunResult): string {
  return stopType === 'limit' ? 'length' : stopType === 'eos' ? 'eos_token' : 'stop_sequence';
}

function logprobsOf({ request }: RunState, tokens: readonly GeneratedToken[]): object | null {
  return request.logprobs === undefined ? null : chatLogprobs(tokens, request.logprobs);
}

function usageOf(results: readonly RunResult[]): object {
  const { prompt, completion } = countsOf(results);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
