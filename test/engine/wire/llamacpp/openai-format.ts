import { randomBytes } from 'node:crypto';
import type { RunResult, RunState } from '../../run-times';
import { frame, type OutputFormat } from '../../output-format';
import { openaiRefusals } from './errors';
import { BUILD_INFO } from './props-view';

const DONE = frame('[DONE]');

/** `/v1/chat/completions`, for one answer. */
export function chatFormat(): OutputFormat {
  const answer = newAnswer();
  let first = true;

  const chunk = (run: RunState, choice: object | undefined, more: object = {}) =>
    frame({
      choices: choice ? [choice] : [],
      created: answer.created,
      id: answer.id,
      model: run.model,
      system_fingerprint: BUILD_INFO,
      object: 'chat.completion.chunk',
      ...more,
    });
  const delta = (run: RunState, content: object) => chunk(run, { finish_reason: null, index: 0, delta: content });

  return {
    refusals: openaiRefusals,
    headAt: 'output',
    // The role is announced in the chunk of the first token, with a content of null.
    token(run, { text }) {
      const role = first ? delta(run, { role: 'assistant', content: null }) : '';
      first = false;
      return role + delta(run, { content: text });
    },
    end([result]) {
      if (!result) return [DONE];
      const figures = { timings: timings(result) };
      const closing = { finish_reason: finishReason(result), index: 0, delta: {} };
      const last = result.request.includeUsage
        ? chunk(result, closing) + chunk(result, undefined, { usage: usage(result), ...figures })
        : chunk(result, closing, figures);
      return [last, DONE];
    },
    plain: ([result]) => {
      if (!result) return {};
      const message = { role: 'assistant', content: result.source.text };
      return {
        choices: [{ finish_reason: finishReason(result), index: 0, message }],
        created: answer.created,
        model: result.model,
        system_fingerprint: BUILD_INFO,
        object: 'chat.completion',
        usage: usage(result),
        id: answer.id,
        timings: timings(result),
      };
    },
  };
}

/** `/v1/completions`, for one answer. */
export function textFormat(): OutputFormat {
  const answer = newAnswer();
  const body = (run: RunState, text: string, reason: string | null, figures: (() => object) | undefined) => ({
    choices: [{ text, index: 0, logprobs: null, finish_reason: reason }],
    created: answer.created,
    model: run.model,
    system_fingerprint: BUILD_INFO,
    object: 'text_completion',
    ...(figures && { usage: figures() }),
    id: answer.id,
  });
  const closing = (result: RunResult, text: string) => ({
    ...body(result, text, finishReason(result), () => usage(result)),
    timings: timings(result),
  });
  return {
    refusals: openaiRefusals,
    headAt: 'output',
    token: (run, { text }) => frame(body(run, text, null, undefined)),
    end: ([result]) => (result ? [frame(closing(result, '')), DONE] : [DONE]),
    plain: ([result]) => (result ? closing(result, result.source.text) : {}),
  };
}

function newAnswer(): { readonly id: string; readonly created: number } {
  return {
    id: `chatcmpl-${randomBytes(24).toString('base64url').replace(/[-_]/g, 'x')}`,
    created: Math.floor(Date.now() / 1000),
  };
}

function finishReason({ ending }: RunResult): string {
  return ending.stopType === 'limit' ? 'length' : 'stop';
}

function usage({ source, request }: RunResult): object {
  return {
    completion_tokens: source.produced,
    prompt_tokens: request.promptTokens,
    total_tokens: source.produced + request.promptTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function timings({ times, request, source }: RunResult): object {
  return times.toWire(request.promptTokens, source.produced);
}
