import { crc32 } from 'node:zlib';

const FIRST_PLACES = 1024;
/** At this share of taken places the table is doubled: a question looks at some two places then. */
const MOST_TAKEN = 0.6;

/**
 * A set of ids that knows 32 bits of each: "no" is certain, "may" is not.
 *
 * It takes 7 to 14 bytes an id (4 a place, of which 30 to 60 % are taken), and half as much again for the moment in which it grows. An
 * id that was never added is taken for one that was with a chance of `size / 2^32`: 0.02 % at a million ids. Nothing can be taken out.
 */
export class IdFilter {
  /** Hashes, each at the place that its low bits say or behind that, at the next that was free; 0 for none. */
  private places = new Uint32Array(FIRST_PLACES);
  private taken = 0;

  /** Of an id, for {@link addHash}: 1 to 2^32 - 1. */
  static hashOf(id: string): number {
    return crc32(id) || 1;
  }

  /** How many hashes it has: ids of the same hash count once. */
  get size(): number {
    return this.taken;
  }

  add(id: string): void {
    this.addHash(IdFilter.hashOf(id));
  }

  /** @param hash 32 bits; 0 is taken for 1, as {@link hashOf} does */
  addHash(hash: number): void {
    if (this.put(hash || 1) && this.taken > this.places.length * MOST_TAKEN) this.grow();
  }

  /** False only for an id that was not added. */
  mayHave(id: string): boolean {
    const hash = IdFilter.hashOf(id);
    return this.places[this.placeOf(hash)] === hash;
  }

  /** False where it is there already. */
  private put(hash: number): boolean {
    const place = this.placeOf(hash);
    if (this.places[place] === hash) return false;
    this.places[place] = hash;
    this.taken++;
    return true;
  }

  /** Where it is, or would be put. */
  private placeOf(hash: number): number {
    const { places } = this;
    const mask = places.length - 1;
    let place = hash & mask;
    for (let found = places[place]; found !== 0 && found !== hash; found = places[place]) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const hashes = this.places;
    this.places = new Uint32Array(hashes.length * 2);
    this.taken = 0;
    for (const hash of hashes) if (hash !== 0) this.put(hash);
  }
}
