import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { ServiceError } from '../errors/service-error';
import { Lifecycle } from '../lifecycle/lifecycle';
import { Narrator } from '../observability/narrator';
import { LeaseLost, type RecordLease } from '../records/record-lease';
import { RecordLeases } from '../records/record-leases.port';
import { Clock } from '../time/clock';
import { FileUpkeep } from '../uploads/file-upkeep';
import { BatchRecords } from './batch-records';
import { BatchRunner } from './batch-runner';
import { isOpen, type StoredBatch } from './batch/stored-batch';

/** Taken in a row: other nodes are told of what is left, and take theirs. */
const ADOPTED_AT_ONCE = 8;

/** Which batches this node runs: those that it has taken, those of the process before, and those of nodes that are no more. */
@Injectable()
export class BatchOwners implements OnModuleInit, OnModuleDestroy {
  private readonly subscriptions = new Subscription();
  private isAdopting = false;
  private isLeaving = false;

  constructor(
    private readonly records: BatchRecords,
    private readonly leases: RecordLeases,
    private readonly runner: BatchRunner,
    private readonly upkeep: FileUpkeep,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    // Files that batches write are nobody's until their batch has ended.
    this.upkeep.spare(async () =>
      (await this.records.open()).flatMap(({ outputFileId, errorFileId }) => [outputFileId, errorFileId]),
    );
    void this.lifecycle.started.then(() => this.attend(this.resume()));
    if (!this.leases.areShared) return;
    this.subscriptions.add(this.leases.lost$.subscribe(lease => this.runner.lose(lease)));
    this.subscriptions.add(this.leases.asked$.subscribe(({ id }) => void this.attend(this.cancelHere(id))));
    this.subscriptions.add(this.leases.free$.subscribe(ids => void this.attend(this.adoptSome(ids))));
    void this.lifecycle.draining.then(() => this.attend(this.leave()));
  }

  onModuleDestroy(): void {
    this.isLeaving = true;
    this.subscriptions.unsubscribe();
  }

  /** Open ones, of all nodes; those of others as of a moment ago. */
  get openCount(): number {
    return this.runner.openCount + this.leases.elsewhere('batch');
  }

  /** Resolves once the batch is durable, and begun; to false where its file is not there (any more). @throws ServiceError STORAGE_UNAVAILABLE */
  async create(batch: StoredBatch): Promise<boolean> {
    const lease = await this.leases.take('batch', batch.id);
    if (!lease) throw new ServiceError('STORAGE_UNAVAILABLE');
    let hasFile: boolean;
    try {
      hasFile = await this.records.insert(batch, lease);
    } catch (thrown) {
      // It may be there, though nobody knows whether for good: what was refused must not run.
      await this.records.remove(batch.id).catch(() => undefined);
      void this.leases.end(lease);
      throw thrown instanceof LeaseLost ? new ServiceError('STORAGE_UNAVAILABLE', {}, thrown) : thrown;
    }
    if (hasFile) this.runner.begin(batch, lease);
    else void this.leases.end(lease);
    return hasFile;
  }

  /** Resolves once it is durable that it is being cancelled; one that is ending or has ended stays as it is. @throws ServiceError BATCH_NOT_FOUND, STORAGE_UNAVAILABLE */
  async cancel(id: string): Promise<void> {
    for (;;) {
      const run = this.runner.find(id);
      if (run && (await this.runner.cancel(run))) return;
      if (run) continue;
      const batch = await this.records.get(id);
      if (!isOpen(batch) || batch.status === 'finalizing') return;
      // Whoever has written that may still be waiting for it to be durable: so does this, which changes nothing.
      if (batch.stop && (await this.records.revise(batch, batch))) return;
      if (batch.stop) continue;
      await this.leases.ask('batch', id);
      const stopped = { stop: 'cancelled', status: 'cancelling', cancellingAtMs: this.clock.wallMs() } as const;
      if (await this.records.revise({ ...batch, ...stopped }, batch)) return;
    }
  }

  private async cancelHere(id: string): Promise<void> {
    const run = this.runner.find(id);
    if (run) await this.runner.cancel(run);
  }

  /** Of a store that nodes share all that is free is told. */
  private async resume(): Promise<void> {
    if (this.leases.areShared) return;
    const open = await this.records.open();
    for (const batch of open) {
      const lease = this.runner.find(batch.id) ? undefined : await this.leases.take('batch', batch.id);
      if (lease) this.runner.begin(batch, lease, true);
    }
    if (open.length > 0)
      this.narrator.tell(`${open.length} batches go on.`, { event: 'batches_resumed', batches: open.length });
  }

  /** A few of them, not those that others begin with; what is told meanwhile is told again. */
  private async adoptSome(ids: readonly string[]): Promise<void> {
    if (this.isAdopting) return;
    this.isAdopting = true;
    try {
      const first = Math.floor(Math.random() * ids.length);
      for (const id of [...ids.slice(first), ...ids.slice(0, first)].slice(0, ADOPTED_AT_ONCE)) {
        if (this.isLeaving) return;
        if (!this.runner.find(id)) await this.adopt(id);
      }
    } finally {
      this.isAdopting = false;
    }
    if (ids.length > ADOPTED_AT_ONCE) await this.leases.rouse();
  }

  private async adopt(id: string): Promise<void> {
    const lease = await this.leases.take('batch', id);
    if (!lease) return;
    const batch = await this.found(lease);
    if (!batch) return;
    this.runner.begin(batch, lease, true);
    this.narrator.tell(`Batch ${id} goes on here.`, { event: 'batch_adopted', batch_id: id });
  }

  private async found(lease: RecordLease): Promise<StoredBatch | undefined> {
    const batch = await this.records.find(lease.id).catch(() => undefined);
    if (batch && isOpen(batch) && !this.isLeaving) return batch;
    await this.leases.end(lease);
    return undefined;
  }

  /** To the others, at once: what of their lines runs here goes on, and is read by them. */
  private async leave(): Promise<void> {
    this.isLeaving = true;
    this.runner.loseAll();
    await this.leases.leave();
  }

  private attend(work: Promise<unknown>): Promise<void> {
    const human = 'Batches of a process before, or of another node, could not be taken up or left; it is tried again.';
    return this.narrator.attend(work, human, { event: 'batches_not_resumed' });
  }
}
