import { RATE_MEMORY_MS } from './start-predictor';

interface Arrivals<K> {
  kind: K;
  /** Those of the last while, the older the less. */
  recent: number;
  atMs: number;
}

/** Of whom rates are kept; past that, the one that has been quiet for longest is forgotten. */
const KINDS_MAX = 256;
/** Of what once came: too little to matter. */
const NEGLIGIBLE = 0.05;

/** At what rate tasks of each kind come: a mean over the last half minute or so. O(1) an arrival. */
export class ArrivalRates<K extends { readonly id: string }> {
  /** In the order of their last arrival. */
  private readonly kinds = new Map<string, Arrivals<K>>();
  /** Of the kind that came last. */
  private last: Arrivals<K> | undefined;

  note(kind: K, nowMs: number): void {
    const known = this.kinds.get(kind.id);
    const arrivals = known ?? { kind, recent: 0, atMs: nowMs };
    arrivals.kind = kind;
    arrivals.recent = 1 + faded(arrivals, nowMs);
    arrivals.atMs = nowMs;
    // Mostly one comes after another of its kind, and the map stays as it is.
    if (known && known === this.last) return;
    this.last = arrivals;
    this.kinds.delete(kind.id);
    this.kinds.set(kind.id, arrivals);
    if (this.kinds.size > KINDS_MAX) this.kinds.delete(this.kinds.keys().next().value as string);
  }

  /** Those that came lately, with how many come in a millisecond. */
  *all(nowMs: number): IterableIterator<readonly [kind: K, perMs: number]> {
    for (const [id, arrivals] of this.kinds) {
      const recent = faded(arrivals, nowMs);
      if (recent < NEGLIGIBLE) this.kinds.delete(id);
      else yield [arrivals.kind, recent / RATE_MEMORY_MS];
    }
  }
}

function faded({ recent, atMs }: Arrivals<unknown>, nowMs: number): number {
  return recent * Math.exp((atMs - nowMs) / RATE_MEMORY_MS);
}
