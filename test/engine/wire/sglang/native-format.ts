import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { RunResult, RunState } from '../../run-times';
import { WireError } from '../../wire-error';
import { DONE } from '../openai/chat-format';
import { abortedResult, nativeRefusals } from './errors';

/** What of a body, and of the server's flags, concerns the form of an answer. */
export interface NativeForm {
  readonly id: string;
  /** `--incremental-streaming-output`: pieces instead of everything so far. No event tells which it is. */
  readonly incremental: boolean;
  /** Several prompts: each event says whose it is, and a plain answer is a list. */
  readonly several: boolean;
}

/** `/generate`. */
export function nativeFormat({ id, incremental, several }: NativeForm): OutputFormat {
  const ids = new Map<number, number[]>();
  const lastTexts = new Map<number, string>();
  const begun = new Set<number>();
  let lastRun: RunState | undefined;

  const meta = (run: RunState, reason: object | null, more: object) => ({
    id,
    finish_reason: reason,
    prompt_tokens: run.request.promptTokens,
    weight_version: 'default',
    num_retractions: 0,
    reasoning_tokens: run.source.reasoningTokens,
    completion_tokens: ids.get(run.index)?.length ?? run.source.produced,
    cached_tokens: 0,
    ...more,
  });
  const event = (run: RunState, reason: object | null, latency: object) => {
    const all = ids.get(run.index) ?? [];
    const sent = begun.has(run.index) ? {} : { response_sent_to_client_ts: Date.now() / 1000 };
    begun.add(run.index);
    return frame({
      text: incremental ? (lastTexts.get(run.index) ?? '') : run.source.text,
      output_ids: incremental ? all.slice(-1) : all,
      meta_info: meta(run, reason, { ...latency, ...sent }),
      ...(several && { index: run.index }),
    });
  };

  return {
    refusals: nativeRefusals(id),
    headAt: 'request',
    token(run, token) {
      lastRun = run;
      ids.set(run.index, [...(ids.get(run.index) ?? []), token.id]);
      lastTexts.set(run.index, token.text);
      // The last token's event says why it is the last.
      return run.source.ending ? [] : event(run, null, {});
    },
    closing: result => [event(result, reasonOf(result), { e2e_latency: latencyOf(result) })],
    end: () => [DONE],
    aborted: stream => {
      const aborted = { message: 'Aborted', status_code: null, err_type: null };
      if (!stream) return new WireError(200, abortedResult(id, aborted));
      const waiting = frame(abortedResult(id, { message: 'Abort in waiting queue' }));
      const last = lastRun
        ? event(lastRun, { type: 'abort', ...aborted }, { e2e_latency: latencyOf(lastRun) })
        : waiting;
      return new WireError(200, '', { frames: [last, DONE] });
    },
    plain: results => {
      const answers = results.map(result => ({
        text: result.source.text,
        output_ids: result.source.tokenIds,
        meta_info: {
          ...meta(result, reasonOf(result), { e2e_latency: latencyOf(result) }),
          response_sent_to_client_ts: Date.now() / 1000,
        },
      }));
      return several ? answers : (answers[0] ?? {});
    },
  };
}

function reasonOf({ ending: { stopType, stoppingWord }, source }: RunResult): object {
  if (stopType === 'limit') return { type: 'length', length: source.produced };
  return { type: 'stop', matched: stopType === 'word' ? stoppingWord : 151_645 };
}

/** Seconds. */
function latencyOf({ times }: RunState): number {
  return (times.promptMs + times.predictedMs) / 1000;
}
