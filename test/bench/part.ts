/** How much is done: `quick` shows that it works and roughly where it stands, `full` is what counts. */
export type Size = 'quick' | 'full';

/** A table of the report. */
export interface PartResult {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly what: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the issue of it is, and whether it is met, in plain words. */
  readonly verdict: string;
}

export interface Part {
  readonly name: string;
  readonly run: (size: Size) => Promise<PartResult>;
}

/** `goal` and what was seen, in one sentence that does not hide a miss. */
export function verdictOf(what: string, seen: number, goal: number, unit = 'times the floor'): string {
  const met = seen <= goal;
  return `${what}: ${seen.toFixed(2)} ${unit}, goal ${goal}: ${met ? 'met' : `missed by ${(seen - goal).toFixed(2)}`}.`;
}
