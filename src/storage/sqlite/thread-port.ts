import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { FromThread, Note, RequestOutcome } from './tables/protocol';

type Outcomes = readonly (RequestOutcome | undefined)[];

/** A thread's end of its connection: requests come in batches and are answered in their order. */
export class ThreadPort<Request> {
  private waiting: Request[] = [];
  private readonly port: MessagePort;
  private closing = false;

  constructor() {
    if (!parentPort) throw new Error('this file is the entry of a worker thread');
    this.port = parentPort;
  }

  /**
   * Has every request handled. `handle` gets all that wait, does one or more of the first ones, and returns an outcome for
   * each that it did; `rest` is called when none waits.
   */
  serve(handle: (waiting: readonly Request[]) => Outcomes, rest: () => void): void {
    this.port.on('message', (batch: Request[]) => {
      this.waiting.push(...batch);
      for (this.receive(); this.waiting.length > 0; this.receive()) {
        const outcomes = handle(this.waiting);
        this.waiting = this.waiting.slice(outcomes.length);
        this.reply(outcomes);
      }
      rest();
      if (this.closing) this.port.close();
    });
  }

  tell(note: Note): void {
    this.post({ kind: 'note', note });
  }

  /** Lets the thread end once the request that is being handled is answered. */
  close(): void {
    this.closing = true;
  }

  /** What arrived while the last requests were handled. */
  private receive(): void {
    for (let more = receiveMessageOnPort(this.port); more; more = receiveMessageOnPort(this.port)) {
      this.waiting.push(...(more.message as Request[]));
    }
  }

  private reply(outcomes: Outcomes): void {
    const told: [number, RequestOutcome][] = [];
    outcomes.forEach((outcome, place) => outcome && told.push([place, outcome]));
    this.post({ kind: 'replies', count: outcomes.length, outcomes: told });
  }

  private post(message: FromThread): void {
    this.port.postMessage(message);
  }
}
