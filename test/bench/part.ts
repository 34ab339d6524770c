/** How much is done: `quick` shows that it works and roughly where it stands, `full` is what counts. */
export type Size = 'quick' | 'full';

/** A table of the report. */
export interface PartResult {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly what: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What came of it, and whether that meets the goal, in a sentence or two. */
  readonly verdict: string;
}

export interface Part {
  readonly name: string;
  readonly run: (size: Size) => Promise<PartResult>;
}

/** The verdict of a part for which no goal is set. */
export const NO_GOAL = 'There is no goal for it but to be known.';

/** `goal` and what was seen, in one sentence that says by how much it was missed. */
export function verdictOf(what: string, seen: number, goal: number, unit = 'times the floor'): string {
  const met = seen <= goal;
  return `${what}: ${seen.toFixed(2)} ${unit}, goal ${goal}: ${met ? 'met' : `missed by ${(seen - goal).toFixed(2)}`}.`;
}
