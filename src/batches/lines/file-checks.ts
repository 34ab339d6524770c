import type { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { startThread } from '../../threads/start-thread';
import { FileContents } from '../../uploads/file-contents.port';
import type { CheckAnswer, CheckOrder } from './check-protocol';
import { FileCheck, type FileBounds, type FileVerdict } from './file-check';

/** Read at once; the thread takes a millisecond or two for it. */
const CHUNK_BYTES = 256 * 1024;
/** Looked at on the event loop: it takes less than it takes to tell a thread. */
const SMALL_BYTES = 32 * 1024;
/** So long a thread that has nothing to do is kept. */
const IDLE_MS = 5000;

/**
 * Looks at files of batches before they run, one after another, on a thread: JSON of hundreds of megabytes would hold up everybody's tokens.
 * At most one chunk is under way.
 */
@Injectable()
export class FileChecks implements OnModuleDestroy {
  private last: Promise<unknown> = Promise.resolve();
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly contents: FileContents) {}

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    await this.stop();
  }

  /**
   * Resolves to undefined where it is not wanted any more.
   * @throws ServiceError STORAGE_UNAVAILABLE where the file cannot be read; an Error where the thread ended
   */
  check(fileId: string, bounds: FileBounds, isWanted: () => boolean): Promise<FileVerdict | undefined> {
    const checked = this.last.then(() => this.checked(fileId, bounds, () => isWanted() && !this.isClosed));
    this.last = checked.catch(() => undefined);
    return checked;
  }

  private async checked(fileId: string, bounds: FileBounds, isWanted: () => boolean): Promise<FileVerdict | undefined> {
    if (!isWanted()) return undefined;
    const first = await this.contents.read(fileId, 0, SMALL_BYTES + 1);
    if (first.length <= SMALL_BYTES) {
      const check = new FileCheck(bounds);
      check.push(first);
      return check.end();
    }
    clearTimeout(this.idle);
    const worker = (this.worker ??= startThread(__dirname, 'file-check.worker'));
    try {
      return await this.onThread(worker, fileId, bounds, isWanted);
    } finally {
      this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    }
  }

  private async onThread(
    worker: Worker,
    fileId: string,
    bounds: FileBounds,
    isWanted: () => boolean,
  ): Promise<FileVerdict | undefined> {
    worker.postMessage({ kind: 'begin', bounds } satisfies CheckOrder);
    for (let at = 0; ;) {
      if (!isWanted()) return undefined;
      const chunk = await this.contents.read(fileId, at, CHUNK_BYTES);
      if (chunk.length === 0) break;
      at += chunk.length;
      // Of its own memory, so that it can be handed over.
      const bytes = new Uint8Array(chunk);
      const { goesOn } = (await this.ask(worker, { kind: 'chunk', bytes }, [bytes.buffer])) as { goesOn: boolean };
      if (!goesOn) break;
    }
    return ((await this.ask(worker, { kind: 'end' }, [])) as { verdict: FileVerdict }).verdict;
  }

  private ask(worker: Worker, order: CheckOrder, handedOver: ArrayBuffer[]): Promise<CheckAnswer> {
    return new Promise((resolve, reject) => {
      const settle = (over: () => void): void => {
        worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
        over();
      };
      const onMessage = (answer: CheckAnswer): void => settle(() => resolve(answer));
      const onEnd = (cause: unknown): void =>
        settle(() => {
          this.worker = undefined;
          reject(new Error('the thread that looks at files of batches ended', { cause }));
        });
      worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
      worker.postMessage(order, handedOver);
    });
  }

  private async stop(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }
}
