import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { RunResult, RunState } from '../../run-times';
import type { GeneratedToken } from '../../token-source';
import { finishOf } from '../openai/chat-format';
import { letterId } from '../random-id';
import { openaiRefusals } from './errors';
import { probabilities } from './probabilities';
import { BUILD_INFO } from './props-view';

const DONE = frame('[DONE]');

/** `/v1/chat/completions`. Each choice ends with its own finish and its own usage; only `[DONE]` ends them all. */
export function chatFormat(): OutputFormat {
  const { id, created } = newAnswer();
  const begun = new Set<number>();
  const called = new Map<string, string>();

  const chunk = (run: RunState, choice: object | undefined, more: object = {}) =>
    frame({
      choices: choice ? [choice] : [],
      created,
      id,
      model: run.model,
      system_fingerprint: BUILD_INFO,
      object: 'chat.completion.chunk',
      ...more,
    });
  const delta = (run: RunState, content: object, more: object = {}, timed: object = {}) =>
    chunk(run, { finish_reason: null, index: run.index, delta: content, ...more }, timed);
  const role = { role: 'assistant', content: null };

  /** A call's name comes with the first piece of its arguments. */
  const contentOf = (run: RunState, { part, text }: GeneratedToken): object | undefined => {
    if (part?.kind === 'reasoning') return text === '' ? undefined : { reasoning_content: text };
    if (part?.kind !== 'call') return { content: text };
    if (part.opens) return undefined;
    const { index, name } = part;
    const key = `${run.index} ${index}`;
    const opens = !called.has(key);
    if (opens) called.set(key, letterId(32));
    const opening = opens && { id: called.get(key), type: 'function' };
    return { tool_calls: [{ index, ...opening, function: { ...(opens && { name }), arguments: text } }] };
  };

  return {
    refusals: openaiRefusals,
    headAt: 'output',
    progress: (run, processed) => [
      delta(
        run,
        role,
        {},
        {
          prompt_progress: {
            total: run.request.promptTokens,
            cache: 0,
            processed,
            time_ms: Math.round(run.times.promptMs),
          },
        },
      ),
    ],
    // The role is announced in the chunk of the first token, with a content of null.
    token(run, token) {
      const announced = begun.has(run.index) ? '' : delta(run, role);
      begun.add(run.index);
      const content = contentOf(run, token);
      if (!content) return announced === '' ? [] : announced;
      const { logprobs, timingsPerToken } = run.request;
      const told = logprobs === undefined ? {} : { logprobs: { content: probabilities([token], logprobs) } };
      const timed = timingsPerToken ? { timings: timings(run) } : {};
      const said = delta(run, content, told, timed);
      // A thought's first piece comes in a chunk of its own, a text's with the role.
      return announced !== '' && token.part ? [announced, said] : announced + said;
    },
    closing(result) {
      const figures = { timings: timings(result) };
      const closing = { finish_reason: finishReason(result), index: result.index, delta: {} };
      if (!result.request.includeUsage) return [chunk(result, closing, figures)];
      return [chunk(result, closing) + chunk(result, undefined, { usage: usage(result), ...figures })];
    },
    end: () => [DONE],
    plain: results => {
      const [first] = results;
      if (!first) return {};
      return {
        choices: results.map(choiceOf),
        created,
        model: first.model,
        system_fingerprint: BUILD_INFO,
        object: 'chat.completion',
        // Of the first choice alone.
        usage: usage(first),
        id,
        timings: timings(first),
      };
    },
  };
}

function choiceOf(result: RunResult): object {
  const { index, request, source } = result;
  const calls = source.calls.map(call => ({ type: 'function', function: { ...call }, id: letterId(32) }));
  return {
    finish_reason: finishReason(result),
    index,
    message: {
      role: 'assistant',
      content: source.text,
      ...(source.reasoning !== '' && { reasoning_content: source.reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    ...(request.logprobs !== undefined && { logprobs: { content: probabilities(source.tokens, request.logprobs) } }),
  };
}

/** `/v1/completions`. Its ids are a chat's, and so is the form of its logprobs. */
export function textFormat(): OutputFormat {
  const { id, created } = newAnswer();
  const choice = (
    { index, request }: RunState,
    text: string,
    reason: string | null,
    tokens: readonly GeneratedToken[],
  ) => ({
    text,
    index,
    logprobs:
      request.logprobs === undefined || tokens.length === 0
        ? null
        : { content: probabilities(tokens, request.logprobs) },
    finish_reason: reason,
  });
  const body = (run: RunState, choices: readonly object[], figures: object) => ({
    choices,
    created,
    model: run.model,
    system_fingerprint: BUILD_INFO,
    object: 'text_completion',
    ...figures,
  });
  const closing = (result: RunResult, choices: readonly object[]) => ({
    ...body(result, choices, { usage: usage(result) }),
    id,
    timings: timings(result),
  });
  return {
    refusals: openaiRefusals,
    headAt: 'output',
    token: (run, token) => frame({ ...body(run, [choice(run, token.text, null, [token])], {}), id }),
    closing: result => [frame(closing(result, [choice(result, '', finishReason(result), [])]))],
    end: () => [DONE],
    plain: results => {
      const [first] = results;
      if (!first) return {};
      return closing(
        first,
        results.map(result => choice(result, result.source.text, finishReason(result), result.source.tokens)),
      );
    },
  };
}

function newAnswer(): { readonly id: string; readonly created: number } {
  return { id: `chatcmpl-${letterId(32)}`, created: Math.floor(Date.now() / 1000) };
}

function finishReason({ source, ending }: RunResult): string {
  const { why } = finishOf(source, ending);
  return why === 'limit' ? 'length' : why === 'calls' ? 'tool_calls' : 'stop';
}

function usage({ source, request }: RunResult): object {
  return {
    completion_tokens: source.produced,
    prompt_tokens: request.promptTokens,
    total_tokens: source.produced + request.promptTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function timings({ times, request, source }: RunState): object {
  return times.toWire(request.promptTokens, source.produced);
}
