import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import type { RunResult } from '../../run-times';
import type { GeneratedToken } from '../../token-source';
import { tokenId } from '../../vocabulary';
import type { HeaderList } from '../../wire-error';
import { nativeRefusals } from './errors';

/** What of a body concerns the form of the answer. */
export interface NativeForm {
  readonly details: boolean;
  readonly topTokens: number;
  /** The route `/`: the answer is a list of one. */
  readonly asList: boolean;
  readonly fullText: boolean;
}

/** `/generate` and `/generate_stream`. No mark ends the stream but its last token, with the whole text. */
export function nativeFormat({ details, topTokens, asList, fullText }: NativeForm): OutputFormat {
  let held: GeneratedToken | undefined;
  let index = 0;

  const event = (token: object, text: string | null, told: object | null, tops: readonly object[]) =>
    frame({
      index: ++index,
      token,
      ...(topTokens > 0 && { top_tokens: tops }),
      generated_text: text,
      details: told,
    });
  const plainEvent = (token: GeneratedToken) => event(view(token.text), null, null, tops(token.text, topTokens));

  return {
    refusals: nativeRefusals,
    headAt: 'request',
    // The last one waits for what ends it.
    token(_, token) {
      const before = held;
      held = token;
      return before ? plainEvent(before) : [];
    },
    closing(result) {
      const told = details
        ? { ...ending(result), seed: seedOf(result), input_length: result.request.promptTokens }
        : null;
      const text = wholeText(result, fullText);
      if (result.ending.stopType !== 'eos')
        return held ? [event(view(held.text), text, told, tops(held.text, topTokens))] : [];
      const end = event({ id: 2, text: '</s>', logprob: -0.2, special: true }, text, told, []);
      return held ? [plainEvent(held), end] : [end];
    },
    end: () => [],
    headers: headersOf,
    plain([result]) {
      if (!result) return {};
      const told = {
        ...ending(result),
        seed: seedOf(result),
        prefill: [],
        tokens: result.source.tokens.map(({ text }) => view(text)),
      };
      const answer = { generated_text: wholeText(result, fullText), ...(details && { details: told }) };
      return asList ? [answer] : answer;
    },
  };
}

/** Times and counts stand in the head of a plain answer. */
export function headersOf([result]: readonly RunResult[]): HeaderList {
  if (!result) return [];
  const { promptMs, predictedMs } = result.times;
  const whole = Math.round(promptMs + predictedMs);
  const each = Math.round(predictedMs / Math.max(1, result.source.produced));
  return [
    ['x-compute-type', 'gpu+optimized'],
    ['x-compute-time', String((promptMs + predictedMs) / 1000)],
    ['x-compute-characters', String(result.request.prompt.length)],
    ['x-total-time', String(whole)],
    ['x-validation-time', '0'],
    ['x-queue-time', '0'],
    ['x-inference-time', String(whole)],
    ['x-time-per-token', String(each)],
    ['x-prompt-tokens', String(result.request.promptTokens)],
    ['x-generated-tokens', String(result.source.produced)],
  ];
}

function ending({ ending: { stopType }, source }: RunResult): object {
  const reason = stopType === 'limit' ? 'length' : stopType === 'eos' ? 'eos_token' : 'stop_sequence';
  // The end token counts.
  return { finish_reason: reason, generated_tokens: source.produced + (stopType === 'eos' ? 1 : 0) };
}

function seedOf({ request }: RunResult): number | null {
  return request.seed ?? null;
}

function wholeText({ request, source }: RunResult, full: boolean): string {
  return `${full ? request.prompt : ''}${source.text}`;
}

function view(text: string): object {
  const id = tokenId(text);
  return { id, text, logprob: -((id % 3000) + 1) / 1001, special: false };
}

function tops(text: string, count: number): readonly object[] {
  return Array.from({ length: count }, (_, rank) => view(rank === 0 ? text : `${text}${rank}`));
}
