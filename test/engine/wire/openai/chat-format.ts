import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { Refusals } from '../../refusals';
import type { RunResult, RunState } from '../../run-times';
import type { Ending, GeneratedToken } from '../../token-source';
import type { WireError } from '../../wire-error';
import { chatLogprobs } from './logprobs';

/** What all chunks of an answer have in common. */
export interface Answer {
  readonly id: string;
  /** Seconds. */
  readonly created: number;
  readonly model: string;
}

export interface Call {
  readonly id: string;
  readonly index: number;
  readonly name: string;
}

/** Where a chunk stands in its stream. */
export interface ChunkPlace {
  /** The last one before the end mark. */
  readonly last: boolean;
  /** Tokens of the prompt and of its choice so far, where the chunk is of one. */
  readonly run?: RunState;
}

/** How one engine words `/v1/chat/completions`. */
export interface ChatStyle {
  readonly refusals: Refusals;
  readonly headAt: OutputFormat['headAt'];
  readonly answer: Answer;
  /** Whether the last text and the finish reason share a chunk. */
  readonly finishWithText: boolean;
  readonly callId: () => string;
  readonly delta: {
    /** Undefined: nothing announces the role. */
    readonly role: object | undefined;
    text(text: string): object;
    /** Undefined: nothing is told of a thought. */
    reasoning(text: string): object | undefined;
    callOpens(call: Call): object;
    callPart(call: Call, text: string): object;
    /** Of a chunk that only tells the finish reason. */
    readonly finish: object;
  };
  choice(index: number, delta: object, finish: Finish | undefined, logprobs: object | null): object;
  chunk(choices: readonly object[], place: ChunkPlace): object;
  /** Undefined: none was asked for. */
  usageChunk(results: readonly RunResult[]): object | undefined;
  /** See `OutputFormat`. */
  aborted?(stream: boolean): WireError;
  plain(results: readonly RunResult[]): object;
}

/** Why a choice ended: the engine's word for it is its own. */
export interface Finish {
  readonly why: 'limit' | 'eos' | 'word' | 'calls';
  readonly stoppingWord: string;
}

export const DONE = frame('[DONE]');

export function finishOf({ calls }: RunState['source'], { stopType, stoppingWord }: Ending): Finish {
  return { why: stopType === 'eos' && calls.length > 0 ? 'calls' : stopType, stoppingWord };
}

/** A chat's answer for `choices` sequences. */
export function chatFormat(style: ChatStyle, choices: number, usageComes: boolean): OutputFormat {
  const { delta } = style;
  const calls = new Map<string, Call>();
  let begun = false;
  /** What comes together with the finish reason, by choice. */
  const last = new Map<number, { readonly content: object | undefined; readonly logprobs: object | null }>();
  let finished = 0;

  const chunk = (run: RunState, content: object, logprobs: object | null, finish?: Finish) => {
    const isLast = finish !== undefined && ++finished === choices && !usageComes;
    return frame(style.chunk([style.choice(run.index, content, finish, logprobs)], { last: isLast, run }));
  };
  const callOf = (run: RunState, index: number, name: string) => {
    const key = `${run.index} ${index}`;
    const call = calls.get(key) ?? { id: style.callId(), index, name };
    calls.set(key, call);
    return call;
  };
  const contentOf = (run: RunState, { part, text }: GeneratedToken): object | undefined => {
    if (part?.kind === 'call') {
      const call = callOf(run, part.index, part.name);
      return part.opens ? delta.callOpens(call) : delta.callPart(call, text);
    }
    if (text === '') return undefined;
    return part?.kind === 'reasoning' ? delta.reasoning(text) : delta.text(text);
  };

  return {
    refusals: style.refusals,
    headAt: style.headAt,
    token(run, token) {
      const frames: string[] = [];
      // The first token of any choice announces all of them.
      if (!begun && delta.role) {
        for (let index = 0; index < choices; index++) frames.push(chunk({ ...run, index }, delta.role, null));
      }
      begun = true;
      const { logprobs: wanted } = run.request;
      const logprobs = wanted === undefined ? null : chatLogprobs([token], wanted);
      const content = contentOf(run, token);
      const { ending } = run.source;
      const finish = ending && finishOf(run.source, ending);
      const shared = finish && style.finishWithText && finish.why !== 'eos' && token.part?.kind !== 'call';
      if (shared) last.set(run.index, { content, logprobs });
      else if (content) frames.push(chunk(run, content, logprobs));
      return frames;
    },
    closing(result) {
      const { content, logprobs = null } = last.get(result.index) ?? {};
      return [chunk(result, content ?? delta.finish, logprobs, finishOf(result.source, result.ending))];
    },
    end(results) {
      const usage = style.usageChunk(results);
      return usage ? [frame(usage), DONE] : [DONE];
    },
    plain: results => style.plain(results),
  };
}
