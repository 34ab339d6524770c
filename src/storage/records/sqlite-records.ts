import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import {
  ApiRecords,
  type ApiRecord,
  type FileRemoval,
  type KeptRecord,
  type RecordKind,
  type RecordPage,
  type RecordTotals,
} from '../../records/api-records.port';
import { startThread } from '../../threads/start-thread';
import { RECORDS_FILE } from './records-file';
import type { RecordsMessage, RecordsOutcome, RecordsRequest } from './records-protocol';

/** Nothing that the thread makes lives longer than a request. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Records in a SQLite file of their own, in the folder `records` of the data folder. A thread reads and writes it: requests of one turn
 * travel in one message and are one transaction, so that many that end at once share a sync.
 */
@Injectable()
export class SqliteRecords extends ApiRecords implements OnApplicationShutdown {
  private worker: Worker | undefined;
  private batch: RecordsRequest[] = [];
  /** In the order of the requests, which is that of the outcomes. */
  private readonly waiting: Waiter[] = [];
  private isClosed = false;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
  }

  async onApplicationShutdown(): Promise<void> {
    const { worker } = this;
    if (worker) await this.call({ verb: 'close' });
    this.isClosed = true;
    await worker?.terminate();
  }

  async insert(record: ApiRecord): Promise<void> {
    await this.call({ verb: 'insert', record });
  }

  insertFor(fileId: string, record: ApiRecord): Promise<boolean> {
    return this.call({ verb: 'insertFor', record, fileId }) as Promise<boolean>;
  }

  replace(record: ApiRecord): Promise<boolean> {
    return this.call({ verb: 'replace', record }) as Promise<boolean>;
  }

  revise(record: ApiRecord, was: string): Promise<boolean> {
    return this.call({ verb: 'revise', record, was }) as Promise<boolean>;
  }

  remove(kind: RecordKind, id: string): Promise<boolean> {
    return this.call({ verb: 'remove', kind, id }) as Promise<boolean>;
  }

  removeFile(id: string): Promise<FileRemoval> {
    return this.call({ verb: 'removeFile', id }) as Promise<FileRemoval>;
  }

  find(kind: RecordKind, id: string): Promise<KeptRecord | undefined> {
    return this.call({ verb: 'find', kind, id }) as Promise<KeptRecord | undefined>;
  }

  list(page: RecordPage): Promise<readonly KeptRecord[]> {
    return this.call({ verb: 'list', page }) as Promise<readonly KeptRecord[]>;
  }

  async open(kind: RecordKind): Promise<readonly KeptRecord[]> {
    if (this.isEmpty) return [];
    return this.call({ verb: 'open', kind }) as Promise<readonly KeptRecord[]>;
  }

  async totals(kind: RecordKind): Promise<RecordTotals> {
    if (this.isEmpty) return { records: 0, bytes: 0 };
    return this.call({ verb: 'totals', kind }) as Promise<RecordTotals>;
  }

  async trim(kind: RecordKind, most: RecordTotals, limit: number): Promise<readonly string[]> {
    if (this.isEmpty) return [];
    return this.call({ verb: 'trim', kind, most, limit }) as Promise<readonly string[]>;
  }

  async expired(kind: RecordKind, keptBeforeMs: number, limit: number): Promise<readonly string[]> {
    if (this.isEmpty) return [];
    return this.call({ verb: 'expired', kind, keptBeforeMs, limit }) as Promise<readonly string[]>;
  }

  /** There is no file yet: a service that keeps no records needs no thread for them. */
  private get isEmpty(): boolean {
    return !this.worker && this.batch.length === 0 && !existsSync(join(this.config.dataDir, 'records', RECORDS_FILE));
  }

  private call(request: RecordsRequest): Promise<unknown> {
    if (this.isClosed) return Promise.reject(unavailable('the records are closed'));
    if (this.batch.length === 0) setImmediate(() => this.flush());
    this.batch.push(request);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private flush(): void {
    const requests = this.batch;
    this.batch = [];
    this.worker ??= this.start();
    this.worker.postMessage(requests);
  }

  private start(): Worker {
    const worker = startThread(__dirname, 'records.worker', {
      workerData: join(this.config.dataDir, 'records'),
      resourceLimits,
    });
    worker.on('message', (message: RecordsMessage) => this.receive(message));
    const end = (cause: Error): void => {
      if (this.worker === worker) this.worker = undefined;
      for (const { reject } of this.waiting.splice(0, this.waiting.length - this.batch.length))
        reject(unavailable(cause.message));
    };
    worker.on('error', cause => {
      this.narrator.fail(
        'The thread of the records ended; the next request starts another.',
        { event: 'records_thread_ended' },
        cause,
      );
      end(cause);
    });
    worker.on('exit', () => end(new Error('the thread of the records ended')));
    return worker;
  }

  private receive({ outcomes, wasDamaged }: RecordsMessage): void {
    if (wasDamaged)
      this.narrator.fail(
        'The file of the records was damaged: it was put aside as records.db.damaged, and a new one begun.',
        { event: 'records_damaged' },
      );
    for (const [at, { resolve, reject }] of this.waiting.splice(0, outcomes.length).entries()) {
      const outcome = outcomes[at] as RecordsOutcome;
      if ('failure' in outcome) reject(unavailable(outcome.failure));
      else resolve(outcome.value);
    }
  }
}

function unavailable(reason: string): ServiceError {
  return new ServiceError('STORAGE_UNAVAILABLE', {}, new Error(reason));
}
