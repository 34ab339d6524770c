import { TurnoverMap } from '../../collections/turnover-map';

/** One action of a key after the other, whatever became of the one before; different keys do not wait for each other. */
export class KeyTurns {
  private readonly last = new TurnoverMap<string, Promise<unknown>>();

  /** Whether an action of this key waits or runs. */
  isTaken(key: string): boolean {
    return this.last.has(key);
  }

  /** Resolves or rejects as the action does. An action must not wait for another of its own key. */
  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const mine = before.then(action, action);
    this.last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key);
    }
  }
}
