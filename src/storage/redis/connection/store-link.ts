import type { Config } from '../../../config/config';
import type { Reply } from './store';
import { asBytes, connectToStore, type Client } from './store-client';

/** A server that owes an answer for so long is given up, if not before: it hangs, or the way to it does. */
const ANSWER_MS = 5000;
/** Of a lease: what is left of it is for a connection that works. */
const SHARE_OF_LEASE = 0.5;
const LOOK_MS = 500;

/** One connection, from its connect until it breaks; it never comes back, another takes its place. */
export class StoreLink {
  private owed = 0;
  private lastAnswerMs = 0;
  private readonly watch: NodeJS.Timeout;
  private isBroken = false;

  private constructor(
    private readonly client: Client,
    private readonly onBroken: () => void,
    answerMs: number,
  ) {
    client.on('error', () => this.break());
    client.on('end', () => this.break());
    this.watch = setInterval(() => {
      if (this.owed > 0 && performance.now() - this.lastAnswerMs > answerMs) this.break();
    }, LOOK_MS);
    this.watch.unref();
  }

  /** @throws Error where nobody is there, or the server takes no writes */
  static async connect(config: Config, onBroken: () => void): Promise<StoreLink> {
    const answerMs = Math.min(ANSWER_MS, SHARE_OF_LEASE * config.storeLeaseMs);
    return new StoreLink(await connectToStore(config), onBroken, answerMs);
  }

  /** Rejects with whatever the client says; translated by who calls. */
  async send<T = Reply>(command: readonly (string | Buffer)[], as?: 'bytes'): Promise<T> {
    if (this.owed++ === 0) this.lastAnswerMs = performance.now();
    try {
      return await this.client.sendCommand<T>(command, as && asBytes);
    } finally {
      this.owed--;
      this.lastAnswerMs = performance.now();
    }
  }

  async subscribe(channel: string, hear: (message: string) => void): Promise<void> {
    await this.client.sSubscribe(channel, hear);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.client.sUnsubscribe(channel);
  }

  break(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    clearInterval(this.watch);
    try {
      this.client.destroy();
    } catch {
      // It was closed already.
    }
    this.onBroken();
  }
}
