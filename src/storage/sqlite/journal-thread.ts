import type { Worker } from 'node:worker_threads';
import { ServiceError } from '../../errors/service-error';
import { startThread } from '../../threads/start-thread';
import { JournalError } from './file/journal-error';
import type { Failure, FromThread, Note } from './tables/protocol';

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * This side of a thread of the journal. A request that finds the thread idle goes at once; the others of its turn of the event loop
 * travel in one message, and so do the replies to a group: under load a request costs a fraction of a message each way.
 */
export class JournalThread<Request> {
  private readonly worker: Worker;
  private batch: Request[] = [];
  /** In the order of the requests, which is the order of the replies. */
  private waiting: Waiter[] = [];
  private ended = false;

  /** @param onDeath called when the thread ends without having been asked to: what it was writing is then unknown */
  constructor(
    entry: 'ledger.worker' | 'reader.worker',
    private readonly onNote: (note: Note) => void,
    onDeath: (cause: Error) => void,
  ) {
    this.worker = startThread(__dirname, entry, { resourceLimits });
    this.worker.on('message', (message: FromThread) => this.receive(message));
    this.worker.on('error', cause => this.end(cause, onDeath));
    this.worker.on('exit', () => this.end(new Error('a thread of the journal ended'), onDeath));
  }

  /** Rejects with the request's failure: a ServiceError, or a JournalError for `open`. */
  call(request: Request): Promise<unknown> {
    if (this.ended) return Promise.reject(errorOf({ code: 'STORAGE_UNAVAILABLE', reason: 'the journal is closed' }));
    const isIdle = this.waiting.length === 0;
    if (isIdle) this.worker.postMessage([request]);
    else this.gather(request);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Sends the last request; resolves when the thread has ended. */
  async close(request: Request): Promise<void> {
    if (this.ended) return;
    const exited = new Promise(resolve => this.worker.once('exit', resolve));
    const closed = this.call(request);
    this.ended = true;
    await closed;
    await exited;
  }

  private gather(request: Request): void {
    if (this.batch.length === 0) setImmediate(() => this.flush());
    this.batch.push(request);
  }

  private flush(): void {
    this.worker.postMessage(this.batch);
    this.batch = [];
  }

  private receive(message: FromThread): void {
    if (message.kind === 'note') return this.onNote(message.note);
    const answered = this.waiting.splice(0, message.count);
    const failed = new Set<Waiter>();
    for (const [place, outcome] of message.outcomes) {
      const waiter = answered[place] as Waiter; // The thread counts what it was sent.
      failed.add(waiter);
      if ('failure' in outcome) waiter.reject(errorOf(outcome.failure));
      else waiter.resolve(outcome.value);
    }
    for (const waiter of answered) if (!failed.has(waiter)) waiter.resolve(undefined);
  }

  private end(cause: Error, onDeath: (cause: Error) => void): void {
    const wasAsked = this.ended;
    this.ended = true;
    for (const { reject } of this.waiting.splice(0)) reject(new ServiceError('STORAGE_UNAVAILABLE', {}, cause));
    if (!wasAsked) onDeath(cause);
  }
}

function errorOf({ code, reason }: Failure): Error {
  switch (code) {
    case 'TASK_CONFLICT':
      return new ServiceError(code, { field: 'task_id' }, new Error(reason));
    case 'STORAGE_UNAVAILABLE':
    case 'INTERNAL':
      return new ServiceError(code, {}, new Error(reason));
    default:
      return new JournalError(code, reason);
  }
}

/** Nothing that these threads make lives longer than a request: they need no room for it to grow old in. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };
