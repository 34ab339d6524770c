import type { Alarms } from '../../time/alarms';

/** How soon what could not be kept is tried again. */
const RETRY_MS = 1_000;

export interface OrderHearer {
  /** How this name is kept is to be told again: it was passed over. */
  again(name: string): void;
  /** The first time that an order could not be kept. */
  failed(name: string, cause: unknown): void;
}

/**
 * Orders that were given at this node, by the name of what they are about. Each holds at once and is kept, one after another, until it is: the
 * last one of a name stays. What is told of a name as kept meanwhile is older than its order, and to be passed over.
 */
export class KeptOrders {
  /** How many are open, by name. */
  private readonly open = new Map<string, number>();
  private readonly newest = new Map<string, () => Promise<void>>();
  /** What was passed over. */
  private readonly owed = new Set<string>();
  /** Ends when all that was asked for so far is written, or has failed. */
  private written: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly alarms: Alarms,
    private readonly hearer: OrderHearer,
  ) {}

  /** To be asked of each name that is told of: what is passed over for it is told again. */
  passesOver(name: string): boolean {
    const isOpen = this.open.has(name);
    if (isOpen) this.owed.add(name);
    return isOpen;
  }

  /** From before an order holds until it is kept. */
  async during<T>(name: string, order: () => Promise<T>): Promise<T> {
    this.open.set(name, (this.open.get(name) ?? 0) + 1);
    try {
      return await order();
    } finally {
      this.close(name);
    }
  }

  /** Resolves once it is written, or could not be for the first time. */
  write(name: string, write: () => Promise<void>): Promise<void> {
    this.newest.set(name, write);
    return this.during(name, async () => {
      try {
        await this.writeNext(write);
        this.settled(name, write);
      } catch (cause) {
        this.hearer.failed(name, cause);
        void this.during(name, () => this.writeLater(name, write));
      }
    });
  }

  private async writeLater(name: string, write: () => Promise<void>): Promise<void> {
    while (this.newest.get(name) === write) {
      await new Promise<void>(resolve => this.alarms.after(RETRY_MS, resolve));
      if (this.newest.get(name) !== write) return;
      await this.writeNext(write).then(
        () => this.settled(name, write),
        () => undefined,
      );
    }
  }

  private settled(name: string, write: () => Promise<void>): void {
    if (this.newest.get(name) === write) this.newest.delete(name);
  }

  private writeNext(write: () => Promise<void>): Promise<void> {
    const next = this.written.then(write);
    this.written = next.catch(() => undefined);
    return next;
  }

  private close(name: string): void {
    const left = (this.open.get(name) ?? 0) - 1;
    if (left > 0) {
      this.open.set(name, left);
      return;
    }
    this.open.delete(name);
    if (this.owed.delete(name)) this.hearer.again(name);
  }
}
