import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import type { RunResult, RunState } from '../../run-times';
import { DONE, finishOf, type ChunkPlace, type Finish } from './chat-format';
import { textLogprobs } from './logprobs';

/** How one engine words `/v1/completions`. */
export interface TextStyle {
  readonly refusals: Refusals;
  readonly headAt: OutputFormat['headAt'];
  /** Whether the prompt stands before the answer. */
  readonly echo: boolean;
  /** Whether the last text and the finish reason share a chunk. */
  readonly finishWithText: boolean;
  choice(run: RunState, text: string, finish: Finish | undefined, logprobs: object | null, first: boolean): object;
  chunk(choices: readonly object[], place: ChunkPlace): object;
  usageChunk(results: readonly RunResult[]): object | undefined;
  plain(results: readonly RunResult[]): object;
}

/** A completion's answer for `choices` sequences. */
export function textFormat(style: TextStyle, choices: number, usageComes: boolean): OutputFormat {
  const begun = new Set<number>();
  const lengths = new Map<number, number>();
  /** What comes together with the finish reason, by choice. */
  const held = new Map<number, { readonly text: string; readonly logprobs: object | null; readonly first: boolean }>();
  let finished = 0;

  const chunk = (run: RunState, text: string, finish: Finish | undefined, logprobs: object | null, first: boolean) => {
    const last = finish !== undefined && ++finished === choices && !usageComes;
    return frame(style.chunk([style.choice(run, text, finish, logprobs, first)], { last, run }));
  };

  return {
    refusals: style.refusals,
    headAt: style.headAt,
    token(run, token) {
      const first = !begun.has(run.index);
      begun.add(run.index);
      const { ending } = run.source;
      const finish = ending && finishOf(run.source, ending);
      if (token.text === '' && !finish && !first) return [];
      const text = first && style.echo ? `${run.request.prompt}${token.text}` : token.text;
      const { logprobs: wanted } = run.request;
      const offset = lengths.get(run.index) ?? 0;
      lengths.set(run.index, offset + text.length);
      const logprobs = wanted === undefined ? null : textLogprobs([token], wanted, offset);
      if (finish && style.finishWithText && finish.why !== 'eos') {
        held.set(run.index, { text, logprobs, first });
        return [];
      }
      return chunk(run, text, undefined, logprobs, first);
    },
    closing(result) {
      const { text = '', logprobs = null, first = false } = held.get(result.index) ?? {};
      return [chunk(result, text, finishOf(result.source, result.ending), logprobs, first)];
    },
    end(results) {
      const usage = style.usageChunk(results);
      return usage ? [frame(usage), DONE] : [DONE];
    },
    plain: results => style.plain(results),
  };
}

/** The text of a whole answer, the prompt before it where that was asked. */
export function wholeText(result: RunResult, echo: boolean): string {
  return `${echo ? result.request.prompt : ''}${result.source.text}`;
}

/** Of a whole answer; null where none were asked for. */
export function wholeLogprobs({ request, source }: RunResult): object | null {
  return request.logprobs === undefined ? null : textLogprobs(source.tokens, request.logprobs, 0);
}
