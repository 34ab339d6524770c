/** A prediction that was told, and what came of it. Milliseconds from admission. */
export interface Told {
  readonly startMs: number;
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly basis: 'measured' | 'assumed';
  readonly actualMs: number;
}

export interface Verdict {
  readonly count: number;
  /** Share of starts within the range. */
  readonly within: number;
  /** Of those that waited noticeably: how many, and by how much of the wait the start that was told was off, in the middle. */
  readonly waited: number;
  readonly medianWaitMs: number;
  readonly medianError: number;
  /** Width of the range, of the wait, in the middle. */
  readonly medianWidth: number;
}

/** Below this nobody notices a wait, and a share of it says nothing. */
const NOTICED_MS = 250;
/** A range is told in whole milliseconds. */
const ROUNDING_MS = 1;

export function verdictOn(all: readonly Told[]): Verdict {
  const inside = all.filter(
    ({ earliestMs, latestMs, actualMs }) => actualMs >= earliestMs - ROUNDING_MS && actualMs <= latestMs + ROUNDING_MS,
  );
  const waited = all.filter(({ actualMs }) => actualMs >= NOTICED_MS);
  return {
    count: all.length,
    within: inside.length / all.length,
    waited: waited.length,
    medianWaitMs: middle(waited.map(({ actualMs }) => actualMs)),
    medianError: middle(waited.map(({ startMs, actualMs }) => Math.abs(startMs - actualMs) / actualMs)),
    medianWidth: middle(waited.map(({ earliestMs, latestMs, actualMs }) => (latestMs - earliestMs) / actualMs)),
  };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
