import type { RunResult, RunState } from '../../run-times';

/** Tokens of a request with all its sequences. A prompt that several of them share counts once. */
export interface Counts {
  readonly prompt: number;
  readonly completion: number;
  readonly reasoning: number;
}

export function countsOf(results: readonly RunResult[]): Counts {
  return {
    prompt: sum(results.map(({ request }) => (request.sharesPrompt ? 0 : request.promptTokens))),
    completion: sum(results.map(({ source }) => source.produced)),
    reasoning: sum(results.map(({ source }) => source.reasoningTokens)),
  };
}

export function countsSoFar({ request, source }: RunState): Counts {
  return { prompt: request.promptTokens, completion: source.produced, reasoning: source.reasoningTokens };
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
