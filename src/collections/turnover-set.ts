/** The place of one item in a {@link TurnoverSet}: whoever has it can remove the item. */
export class Seat<T extends object> {
  constructor(
    /** Undefined once it was removed. */
    public item: T | undefined,
    /** Where it stands among the others. */
    public at: number,
  ) {}
}

/** What comes and goes with every task, in no order. Nothing is kept of what has gone; {@link TurnoverMap} says what a Set would keep. */
export class TurnoverSet<T extends object> {
  private readonly seats: Seat<T>[] = [];

  get size(): number {
    return this.seats.length;
  }

  /** An item that is added twice is there twice. */
  add(item: T): Seat<T> {
    const seat = new Seat(item, this.seats.length);
    this.seats.push(seat);
    return seat;
  }

  /** False where it was removed before. */
  delete(seat: Seat<T>): boolean {
    if (!seat.item) return false;
    seat.item = undefined;
    const last = this.seats.pop() as Seat<T>;
    if (last !== seat) {
      this.seats[seat.at] = last;
      last.at = seat.at;
    }
    return true;
  }

  /** Those that are there now, whatever comes and goes while they are looked at. */
  items(): readonly T[] {
    return this.seats.map(({ item }) => item as T);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.items().values();
  }
}
