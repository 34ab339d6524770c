import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../errors/catalogue';
import { ServiceError, type ErrorDetails } from '../errors/service-error';
import { parseJson, type JsonText } from '../http/bodies/json-body';
import { startThread } from '../threads/start-thread';
import type { CanonicalDocument } from './artifact-store.port';
import { canonicalDocument } from './canonical-json';

/** Up to this size any document is done in some two milliseconds. */
const MAX_HERE_BYTES = 32 * 1024;
const THREAD_HEAP_MIB = 512;

export interface DocumentOrder {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface DocumentAnswer {
  readonly id: number;
  readonly document?: CanonicalDocument;
  readonly refusal?: { readonly code: ErrorCode; readonly details: ErrorDetails };
}

interface Waiting {
  readonly resolve: (document: CanonicalDocument) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Brings the text of documents into canonical form. Any JSON may come, and a mebibyte of members takes a second to parse, sort and
 * write: what is not small is done on a thread, which is started when it is first needed.
 */
@Injectable()
export class DocumentForms implements OnModuleDestroy {
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  async onModuleDestroy(): Promise<void> {
    await this.thread?.terminate();
  }

  /** @throws ServiceError as {@link canonicalDocument}; INVALID_PARAMS for what is not JSON */
  canonical({ bytes }: JsonText): CanonicalDocument | Promise<CanonicalDocument> {
    if (bytes.length <= MAX_HERE_BYTES) return canonicalDocument(parseJson(bytes.toString()));
    const order: DocumentOrder = { id: ++this.lastId, bytes };
    return new Promise((resolve, reject) => {
      this.waiting.set(order.id, { resolve, reject });
      this.started().postMessage(order);
    });
  }

  private started(): Worker {
    if (this.thread) return this.thread;
    const resourceLimits = { maxOldGenerationSizeMb: THREAD_HEAP_MIB };
    const thread = startThread(__dirname, 'canonical.worker', { resourceLimits });
    thread.on('message', (answer: DocumentAnswer) => this.settle(answer));
    thread.on('error', cause => this.lose(thread, cause));
    thread.on('exit', () => this.lose(thread, new ServiceError('SHUTTING_DOWN')));
    // It keeps no process alive that has nothing else to do.
    thread.unref();
    return (this.thread = thread);
  }

  private settle({ id, document, refusal }: DocumentAnswer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (document) waiting?.resolve(document);
    else if (refusal) waiting?.reject(new ServiceError(refusal.code, refusal.details));
  }

  /** Whoever waits is told; the next document starts another thread. */
  private lose(thread: Worker, cause: unknown): void {
    if (this.thread !== thread) return;
    this.thread = undefined;
    for (const { reject } of this.waiting.values()) reject(cause);
    this.waiting.clear();
  }
}
