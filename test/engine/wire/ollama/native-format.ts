import type { OutputFormat } from '../../output-format';
import type { RunResult, RunState } from '../../run-times';
import type { GeneratedToken } from '../../token-source';
import { tokenize } from '../../vocabulary';
import { chatLogprobs } from '../openai/logprobs';
import { letterId } from '../random-id';
import { chatRefusals, generateRefusals } from './errors';

/** `/api/generate` and `/api/chat`: one JSON object a line. */
export function nativeFormat(kind: 'generate' | 'chat', model: string): OutputFormat {
  const line = (content: object, more: object = {}) => ({ model, created_at: createdAt(), ...content, ...more });
  const said = (text: string, thinking: string, calls: readonly object[]) => {
    const parts = { ...(thinking !== '' && { thinking }), ...(calls.length > 0 && { tool_calls: calls }) };
    return kind === 'chat' ? { message: { role: 'assistant', content: text, ...parts } } : { response: text, ...parts };
  };
  const last = (result: RunResult, content: object) =>
    line(content, {
      done: true,
      done_reason: result.ending.stopType === 'limit' ? 'length' : 'stop',
      ...(kind === 'generate' && { context: tokenize(`${result.request.prompt}${result.source.text}`) }),
      ...durations(result),
    });

  return {
    refusals: kind === 'chat' ? chatRefusals : generateRefusals,
    headAt: 'output',
    takesAll: true,
    token(run, token) {
      // A call comes whole, once it is known.
      if (token.part?.kind === 'call') return [];
      const thought = token.part?.kind === 'reasoning';
      if (token.text === '') return [];
      const content = said(thought ? '' : token.text, thought ? token.text : '', []);
      return `${JSON.stringify(line(content, { done: false, ...logprobsOf(run, token) }))}\n`;
    },
    end: ([result]) => {
      if (!result) return [];
      const lines = callsOf(result.source.calls).map(call => line(said('', '', [call]), { done: false }));
      return [...lines, last(result, said('', '', []))].map(each => `${JSON.stringify(each)}\n`);
    },
    plain: ([result]) => {
      if (!result) return {};
      const { source } = result;
      return last(result, said(source.text, source.reasoning, callsOf(source.calls)));
    },
  };
}

/** Natively the arguments are an object. A call that was cut is none. */
function callsOf(calls: RunState['source']['calls']): readonly object[] {
  return calls.flatMap(({ name, arguments: json }, index) => {
    try {
      return [
        { id: `call_${letterId(8).toLowerCase()}`, function: { index, name, arguments: JSON.parse(json) as object } },
      ];
    } catch {
      return [];
    }
  });
}

function logprobsOf({ request }: RunState, token: GeneratedToken): object {
  if (request.logprobs === undefined) return {};
  const { content } = chatLogprobs([token], request.logprobs) as { content: object[] };
  return { logprobs: content };
}

/** In nanoseconds. */
function durations({ request, source, times }: RunResult): object {
  const nanos = (ms: number) => Math.round(ms * 1_000_000);
  return {
    total_duration: nanos(times.promptMs + times.predictedMs) + 1_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: request.promptTokens,
    prompt_eval_duration: nanos(times.promptMs),
    eval_count: source.produced,
    eval_duration: nanos(times.predictedMs),
  };
}

/** To the nanosecond, as Go prints it. */
export function createdAt(): string {
  return new Date().toISOString().replace('Z', '000000Z');
}
