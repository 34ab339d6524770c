import type { ArtifactInfo } from '../../artifacts/artifact-store.port';

const FIRST_PLACES = 1024;
/** At this share of taken places the table is doubled: what is looked for is found after some three places then. */
const MOST_TAKEN = 0.8;

/**
 * Names by a text that each says itself. A table of them, each with a number made of its text: 12 bytes a place, where a Map has 28. It holds
 * no texts: a million would take more room than all else that is known of a million artifacts.
 */
export class NamesByText {
  /** Each at the place that the low bits of its number say, or behind that, with no free place in between. */
  private names: (ArtifactInfo | undefined)[] = freePlaces(FIRST_PLACES);
  private numbers = new Uint32Array(FIRST_PLACES);
  private count = 0;

  /** @param textOf undefined for a name that is not to be found */
  constructor(private readonly textOf: (info: ArtifactInfo) => string | undefined) {}

  /** The one of those with this text that was added first. */
  first(text: string): ArtifactInfo | undefined {
    const number = numberOf(text);
    for (let place = this.home(number); ; place = this.next(place)) {
      const name = this.names[place];
      if (!name || this.hasText(place, number, text)) return name;
    }
  }

  /** In the order in which they were added. */
  all(text: string): ArtifactInfo[] {
    const number = numberOf(text);
    const found: ArtifactInfo[] = [];
    for (let place = this.home(number); ; place = this.next(place)) {
      const name = this.names[place];
      if (!name) return found;
      if (this.hasText(place, number, text)) found.push(name);
    }
  }

  /** @param text that of the name, where it is at hand */
  add(info: ArtifactInfo, text = this.textOf(info)): void {
    if (text === undefined) return;
    if (this.count >= this.names.length * MOST_TAKEN) this.grow();
    this.put(info, numberOf(text));
    this.count++;
  }

  delete(info: ArtifactInfo): void {
    const text = this.textOf(info);
    if (text === undefined) return;
    let place = this.home(numberOf(text));
    while (this.names[place] !== info) {
      if (!this.names[place]) return;
      place = this.next(place);
    }
    this.count--;
    this.close(place);
  }

  /** Whether the name at this place is one of those with this text. */
  private hasText(place: number, number: number, text: string): boolean {
    return this.numbers[place] === number && this.textOf(this.names[place] as ArtifactInfo) === text;
  }

  /** Behind all others of its number. */
  private put(info: ArtifactInfo, number: number): void {
    let place = this.home(number);
    while (this.names[place]) place = this.next(place);
    this.names[place] = info;
    this.numbers[place] = number;
  }

  /** Fills a place that has become free with what stands behind it and would not be found there any more. */
  private close(free: number): void {
    for (let place = this.next(free); this.names[place]; place = this.next(place)) {
      const fromHome = this.distance(this.home(this.numbers[place] as number), place);
      if (fromHome < this.distance(free, place)) continue;
      this.names[free] = this.names[place];
      this.numbers[free] = this.numbers[place] as number;
      free = place;
    }
    this.names[free] = undefined;
  }

  private grow(): void {
    const { names, numbers } = this;
    this.names = freePlaces(names.length * 2);
    this.numbers = new Uint32Array(names.length * 2);
    // From a free place on: those that stand together, also over the end of the table, come in their order.
    const from = names.indexOf(undefined);
    for (let step = 0; step < names.length; step++) {
      const place = (from + step) & (names.length - 1);
      const name = names[place];
      if (name) this.put(name, numbers[place] as number);
    }
  }

  private home(number: number): number {
    return number & (this.names.length - 1);
  }

  private next(place: number): number {
    return (place + 1) & (this.names.length - 1);
  }

  private distance(from: number, to: number): number {
    return (to - from) & (this.names.length - 1);
  }
}

function freePlaces(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}

/** FNV-1a. */
function numberOf(text: string): number {
  let number = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) number = Math.imul(number ^ text.charCodeAt(at), 0x01000193);
  return number >>> 0;
}
