import type { RecordLease } from '../../records/record-lease';
import type { StoredBatch } from '../batch/stored-batch';

/** Where it is kept. */
interface Records {
  /** Where it still is as it `was`, and the lease still this node's; resolves to whether it was done. @throws LeaseLost */
  revise(batch: StoredBatch, was: StoredBatch, lease: RecordLease): Promise<boolean>;
  find(id: string): Promise<StoredBatch | undefined>;
}

/**
 * The record of a batch that runs here. Its runner alone writes it, by its lease and one write after another, but for one thing: that it is cancelled may
 * have been written by any node.
 */
export class RunRecord {
  /** As it stands there, as far as is known. */
  private stored: StoredBatch;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly records: Records,
    /** As this node has it: newer than what is stored while that is being written. */
    public batch: StoredBatch,
    readonly lease: RecordLease,
    /** Another node has cancelled it. */
    private readonly onStopped: () => void,
  ) {
    this.stored = batch;
  }

  /** In memory at once, so that nobody decides by what was; resolves once it is durable. @throws LeaseLost, ServiceError STORAGE_UNAVAILABLE */
  set(change: Partial<StoredBatch>): Promise<void> {
    this.batch = { ...this.batch, ...change };
    return this.inTurn(() => this.batch);
  }

  /** Resolves once all that was set is durable: what could not be written before is written now. @throws as {@link set} */
  settled(): Promise<void> {
    return this.inTurn(() => this.batch);
  }

  /** As {@link set}, and in memory only once it is durable: whoever is told of an end finds nothing of the batch at work any more. */
  end(change: Partial<StoredBatch>): Promise<void> {
    return this.inTurn(
      () => ({ ...this.batch, ...change }),
      () => (this.batch = this.stored),
    );
  }

  /** @param after before anything else has its turn */
  private inTurn(wanted: () => StoredBatch, after?: () => void): Promise<void> {
    const written = this.last.then(() => this.write(wanted)).then(after);
    this.last = written.catch(() => undefined);
    return written;
  }

  private async write(wanted: () => StoredBatch): Promise<void> {
    for (let next = wanted(); next !== this.stored; next = wanted()) {
      if (await this.records.revise(next, this.stored, this.lease)) {
        this.stored = next;
        return;
      }
      const found = await this.records.find(next.id);
      if (!found) return;
      this.stored = found;
      this.takeStop(found);
    }
  }

  private takeStop({ stop, cancellingAtMs, status }: StoredBatch): void {
    if (!stop || this.batch.stop) return;
    this.batch = {
      ...this.batch,
      stop,
      ...(cancellingAtMs !== undefined && { cancellingAtMs }),
      status,
    };
    this.onStopped();
  }
}
