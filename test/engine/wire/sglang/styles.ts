import { frame } from '../../output-format';
import type { RunResult } from '../../run-times';
import { WireError } from '../../wire-error';
import { DONE, finishOf, type Answer, type ChatStyle, type Finish } from '../openai/chat-format';
import { countsOf } from '../openai/counts';
import { chatLogprobs } from '../openai/logprobs';
import { wholeLogprobs, wholeText, type TextStyle } from '../openai/text-format';
import { hexId } from '../random-id';
import { chatRefusals, textRefusals } from './errors';

const EOS_ID = 151_645;

const reason = ({ why }: Finish) => (why === 'limit' ? 'length' : why === 'calls' ? 'tool_calls' : 'stop');

/** Not OpenAI's: what it was that ended the text, a word or a token. */
const matched = ({ why, stoppingWord }: Finish) => (why === 'limit' ? null : why === 'word' ? stoppingWord : EOS_ID);

/** `/v1/chat/completions`. Calls come by another path, with members that text does not have. */
export function sglangChatStyle({ id, created, model }: Answer, includeUsage: boolean): ChatStyle {
  const head = (object: string) => ({ id, object, created, model });
  const callDelta = (call: object) => ({ role: null, content: null, reasoning_content: null, tool_calls: [call] });
  return {
    refusals: chatRefusals,
    headAt: 'output',
    answer: { id, created, model },
    finishWithText: false,
    callId: () => `call_${hexId(24)}`,
    delta: {
      role: { reasoning_content: null, role: 'assistant', content: '' },
      text: content => ({ reasoning_content: null, content }),
      reasoning: text => ({ reasoning_content: text }),
      callOpens: call =>
        callDelta({ id: call.id, index: call.index, type: 'function', function: { name: call.name, arguments: '' } }),
      callPart: ({ index }, text) =>
        callDelta({ id: null, index, type: 'function', function: { name: null, arguments: text } }),
      finish: { reasoning_content: null },
    },
    choice: (index, delta, finish, logprobs) => ({
      index,
      delta,
      logprobs,
      finish_reason: finish ? reason(finish) : null,
      matched_stop: finish ? matched(finish) : null,
    }),
    chunk: choices => {
      const [{ delta = {} } = {}] = choices as readonly { delta?: object }[];
      return { ...head('chat.completion.chunk'), choices, ...('tool_calls' in delta && { usage: null }) };
    },
    usageChunk: results =>
      includeUsage ? { ...head('chat.completion.chunk'), choices: [], usage: usageOf(results) } : undefined,
    aborted: stream => {
      const finish = { finish_reason: 'abort', matched_stop: null };
      const delta = { index: 0, delta: { reasoning_content: null }, logprobs: null, ...finish };
      const message = {
        index: 0,
        message: { role: 'assistant', content: '', reasoning_content: null },
        logprobs: null,
        ...finish,
      };
      if (!stream) return new WireError(200, { ...head('chat.completion'), choices: [message], usage: usageOf([]) });
      return new WireError(200, '', { frames: [frame({ ...head('chat.completion.chunk'), choices: [delta] }), DONE] });
    },
    plain: results => ({
      ...head('chat.completion'),
      choices: results.map(result => {
        const finish = finishOf(result.source, result.ending);
        const { logprobs } = result.request;
        return {
          index: result.index,
          message: messageOf(result),
          logprobs: logprobs === undefined ? null : chatLogprobs(result.source.tokens, logprobs),
          finish_reason: reason(finish),
          matched_stop: matched(finish),
        };
      }),
      usage: usageOf(results),
      metadata: { weight_version: 'default' },
    }),
  };
}

function messageOf({ source }: RunResult): object {
  const { calls, reasoning, text } = source;
  const made = calls.map((call, index) => ({
    id: `call_${hexId(24)}`,
    index,
    type: 'function',
    function: { ...call },
  }));
  return {
    role: 'assistant',
    content: calls.length > 0 ? null : text,
    reasoning_content: reasoning === '' ? null : reasoning,
    ...(made.length > 0 && { tool_calls: made }),
  };
}

/** `/v1/completions`. */
export function sglangTextStyle({ id, created, model }: Answer, includeUsage: boolean, echo: boolean): TextStyle {
  const head = { id, object: 'text_completion', created, model };
  const choice = (
    result: { readonly index: number },
    text: string,
    logprobs: object | null,
    finish: Finish | undefined,
  ) => ({
    index: result.index,
    text,
    logprobs,
    finish_reason: finish ? reason(finish) : null,
    matched_stop: finish ? matched(finish) : null,
  });
  return {
    refusals: textRefusals,
    headAt: 'output',
    echo,
    finishWithText: true,
    choice: (run, text, finish, logprobs) => choice(run, text, logprobs, finish),
    chunk: choices => ({ ...head, choices, usage: null }),
    usageChunk: results => (includeUsage ? { ...head, choices: [], usage: usageOf(results) } : undefined),
    plain: results => ({
      ...head,
      choices: results.map(result =>
        choice(result, wholeText(result, echo), wholeLogprobs(result), finishOf(result.source, result.ending)),
      ),
      usage: usageOf(results),
      metadata: { weight_version: 'default' },
    }),
  };
}

function usageOf(results: readonly RunResult[]): object {
  const { prompt, completion, reasoning } = countsOf(results);
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: null,
    reasoning_tokens: reasoning,
    completion_tokens_details: null,
  };
}
