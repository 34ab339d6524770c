import type { RunResult } from '../../run-times';
import type { Answer, ChatStyle, Finish } from '../openai/chat-format';
import { finishOf } from '../openai/chat-format';
import { countsOf, countsSoFar } from '../openai/counts';
import { chatLogprobs } from '../openai/logprobs';
import { hexId } from '../random-id';
import { namedFunction } from '../../tool-calls';
import { chatRefusals } from './errors';
import { FINGERPRINT, plainUsage, streamUsage, type StreamOptions } from './usage';

/** `/v1/chat/completions` of vLLM, with the Hermes parser of tool calls. */
export function vllmChatStyle(answer: Answer, options: StreamOptions, toolChoice: unknown, thinks: boolean): ChatStyle {
  const named = namedFunction(toolChoice) !== undefined;
  const reason = ({ why }: Finish) => (why === 'limit' ? 'length' : why === 'calls' && !named ? 'tool_calls' : 'stop');
  const stopReason = ({ why, stoppingWord }: Finish) => (why === 'word' ? stoppingWord : null);

  const messageOf = ({ source, ending }: RunResult): object => {
    const { calls, reasoning, text } = source;
    const base = { refusal: null, annotations: null, audio: null, function_call: null };
    const thought = reasoning === '' ? null : reasoning;
    if (calls.length > 0 && ending.stopType === 'limit') {
      const [{ name, arguments: json } = { name: '', arguments: '' }] = calls;
      const raw = `<tool_call>{"name": "${name}", "arguments": ${json}`;
      return { role: 'assistant', content: raw, ...base, reasoning: thought };
    }
    if (calls.length > 0) {
      const made = calls.map(call => ({ id: `chatcmpl-tool-${hexId(16)}`, type: 'function', function: { ...call } }));
      return { role: 'assistant', content: '', ...base, tool_calls: made, reasoning: thought };
    }
    return { role: 'assistant', content: text === '' && thought !== null ? null : text, ...base, reasoning: thought };
  };

  return {
    refusals: chatRefusals,
    headAt: 'request',
    answer,
    finishWithText: true,
    callId: () => `chatcmpl-tool-${hexId(16)}`,
    delta: {
      role: { role: 'assistant', content: '' },
      text: content => ({ content }),
      reasoning: reasoning => (options.includeReasoning ? { reasoning } : undefined),
      callOpens: ({ id, index, name }) => ({
        content: null,
        tool_calls: [{ id, type: 'function', index, function: { name } }],
      }),
      callPart: ({ index }, text) => ({ content: null, tool_calls: [{ index, function: { arguments: text } }] }),
      finish: {},
    },
    choice: (index, delta, finish, logprobs) => ({
      index,
      delta,
      logprobs,
      finish_reason: finish ? reason(finish) : null,
      ...(finish && { stop_reason: stopReason(finish) }),
      ...('role' in delta ? {} : { token_ids: null }),
    }),
    chunk: (choices, { last, run }) => {
      const opens = run !== undefined && JSON.stringify(choices).includes('"role":"assistant"');
      const counts = run && countsSoFar(run);
      const usage = options.continuous && counts && { ...counts, completion: opens ? 0 : counts.completion };
      return {
        ...head(answer, 'chat.completion.chunk'),
        choices,
        ...(usage && { usage: streamUsage(usage, false, true) }),
        ...(opens && { prompt_token_ids: null, prompt_text: null }),
        ...(last && { system_fingerprint: FINGERPRINT }),
      };
    },
    usageChunk: results =>
      options.includeUsage
        ? {
            ...head(answer, 'chat.completion.chunk'),
            choices: [],
            usage: streamUsage(countsOf(results), thinks, false),
            system_fingerprint: FINGERPRINT,
          }
        : undefined,
    plain: results => ({
      ...head(answer, 'chat.completion'),
      choices: results.map(result => {
        const finish = finishOf(result.source, result.ending);
        const { logprobs } = result.request;
        return {
          index: result.index,
          message: messageOf(result),
          logprobs: logprobs === undefined ? null : chatLogprobs(result.source.tokens, logprobs),
          finish_reason: reason(finish),
          stop_reason: stopReason(finish),
          token_ids: null,
          routed_experts: null,
        };
      }),
      service_tier: null,
      system_fingerprint: FINGERPRINT,
      usage: plainUsage(countsOf(results), thinks),
      prompt_logprobs: null,
      prompt_token_ids: null,
      prompt_text: null,
      kv_transfer_params: null,
      ec_transfer_params: null,
      metrics: null,
    }),
  };
}

function head({ id, created, model }: Answer, object: string): object {
  return { id, object, created, model };
}
