import { NEVER, Subject } from 'rxjs';
import { ServiceError } from '../../src/errors/service-error';
import type { Script } from '../../src/storage/redis/connection/script';
import { Store, type Argument, type Reply } from '../../src/storage/redis/connection/store';

/** What a store does on its two ways: `looks` are answered at once, `writes` once they are durable. Each keeps its own order. */
export type Lane = 'looks' | 'writes';

/** `sending`: nothing is done yet; `replies`: it is done, and the node does not know. */
export type Held = 'sending' | 'replies';

/** A connection on which a test says when what was asked for is done, when its answer comes, and what fails. Hints never come. */
export class HeldStore extends Store {
  private readonly waiting: Record<Lane, Record<Held, (() => void)[]>> = {
    looks: { sending: [], replies: [] },
    writes: { sending: [], replies: [] },
  };
  private readonly holding = new Set<string>();
  /** Requests that are neither answered nor held. */
  private moving = 0;
  private fault: 'refused' | 'lost' | undefined;
  private readonly ups = new Subject<void>();
  override readonly up$ = this.ups.asObservable();
  override readonly newer$ = NEVER;
  override readonly isUp = true;

  constructor(private readonly store: Store) {
    super();
  }

  override get prefix(): string {
    return this.store.prefix;
  }

  get isIdle(): boolean {
    return this.moving === 0;
  }

  hold(lane: Lane, what: Held): void {
    this.holding.add(`${lane} ${what}`);
  }

  release(lane: Lane): void {
    for (const what of ['sending', 'replies'] as const) {
      this.holding.delete(`${lane} ${what}`);
      for (const goOn of this.waiting[lane][what].splice(0)) goOn();
    }
  }

  /** Of the next write: `refused` was not done; whether one that is `lost` was, nobody is told. Undefined: none fails. */
  failNext(fault: 'refused' | 'lost' | undefined): void {
    this.fault = fault;
  }

  /** A connection that was made anew, as to another server. */
  reconnected(): void {
    this.ups.next();
  }

  async open(): Promise<void> {
    // It is.
  }

  async close(): Promise<void> {
    // Whoever gave it closes it.
  }

  call(...command: readonly string[]): Promise<Reply> {
    return this.pass('looks', () => this.store.call(...command));
  }

  run(script: Script, ...args: readonly Argument[]): Promise<Reply> {
    return this.pass('looks', () => this.store.run(script, ...args));
  }

  runForBytes(script: Script, ...args: readonly Argument[]): Promise<Buffer> {
    return this.pass('looks', () => this.store.runForBytes(script, ...args));
  }

  runDurably(script: Script, ...args: readonly Argument[]): Promise<Reply> {
    const { fault } = this;
    this.fault = undefined;
    return this.pass('writes', async () => {
      if (fault === 'refused') throw new ServiceError('STORAGE_UNAVAILABLE');
      const reply = await this.store.run(script, ...args);
      if (fault === 'lost') throw new ServiceError('STORAGE_UNAVAILABLE');
      return reply;
    });
  }

  listen(): () => void {
    return () => undefined;
  }

  private async pass<T>(lane: Lane, ask: () => Promise<T>): Promise<T> {
    this.moving++;
    try {
      await this.gate(lane, 'sending');
      const reply = ask();
      // Whether it failed is told when its turn has come.
      await reply.catch(() => undefined);
      await this.gate(lane, 'replies');
      return await reply;
    } finally {
      this.moving--;
    }
  }

  private async gate(lane: Lane, what: Held): Promise<void> {
    if (!this.holding.has(`${lane} ${what}`)) return;
    this.moving--;
    await new Promise<void>(goOn => this.waiting[lane][what].push(goOn));
    this.moving++;
  }
}
