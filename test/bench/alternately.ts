import { median } from './figures';

/**
 * Runs the variants in turn, A B C A B C…, so that whatever else the machine does falls on all of them alike. A round that
 * is not counted goes first, to warm up: of `warmUp` where a run of the variants is too small for that.
 */
export async function alternately<K extends string, R>(
  runs: number,
  variants: Readonly<Record<K, () => Promise<R>>>,
  warmUp: Readonly<Record<K, () => Promise<unknown>>> = variants,
): Promise<Record<K, R[]>> {
  const names = Object.keys(variants) as K[];
  const results = Object.fromEntries(names.map(name => [name, [] as R[]])) as Record<K, R[]>;
  for (const name of names) await warmUp[name]();
  for (let round = 0; round < runs; round++) {
    for (const name of names) results[name].push(await variants[name]());
  }
  return results;
}

/** The median over runs of one figure of theirs. */
export function middle<R>(runs: readonly R[], figure: (run: R) => number): number {
  return median(runs.map(figure));
}
