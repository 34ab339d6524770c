import type { Observable } from 'rxjs';
import type { Script } from './script';

export type Reply = null | string | number | readonly Reply[];

/** Bytes are passed on as they are. */
export type Argument = string | number | Buffer;

/**
 * A Redis or Valkey as drivers see it: no type of a client's is seen past it.
 *
 * A command is sent at once or refused; none waits for a server that is away. What is refused was not done; of what was under way when a
 * connection broke nobody knows. Both are STORAGE_UNAVAILABLE. Commands of one call site are done in the order of their calls.
 */
export abstract class Store {
  /** All keys of the deployment begin with it, and stand in one hash slot. */
  abstract readonly prefix: string;

  abstract readonly isUp: boolean;

  /** Emits after each connect, the first too: hints were missed meanwhile. */
  abstract readonly up$: Observable<void>;

  /** Emits the version of the keys where a connect after the first finds that this node is too old for it. */
  abstract readonly newer$: Observable<number>;

  /** Connects for the first time, and sees whether the server can give what the settings ask. @throws Error where it cannot */
  abstract open(): Promise<void>;

  abstract close(): Promise<void>;

  abstract call(...command: readonly string[]): Promise<Reply>;

  abstract run(script: Script, ...args: readonly Argument[]): Promise<Reply>;

  /** As {@link run}; resolves once what it did is as durable as `ORCHD_STORE_DURABILITY` asks. */
  abstract runDurably(script: Script, ...args: readonly Argument[]): Promise<Reply>;

  /** As {@link run}, of a script that answers with a text, which is given as its bytes. */
  abstract runForBytes(script: Script, ...args: readonly Argument[]): Promise<Buffer>;

  /** Calls back with what is published on a channel of the deployment. A hint: some are lost, some come twice. */
  abstract listen(channel: string, hear: (message: string) => void): () => void;
}
