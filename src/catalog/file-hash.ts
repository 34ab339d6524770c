import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { startThread } from '../threads/start-thread';

/** What the thread is started with. The file stays open on this side until the thread has ended. */
export interface HashOrder {
  readonly fd: number;
  /** Its size when it was opened: a file that grows meanwhile is not followed. */
  readonly bytes: number;
  readonly algorithm: string;
}

/**
 * The digest of what an open file holds. A model has tens of gigabytes, and hashing them takes a core for half a minute: done in
 * pieces on the event loop it would take that half minute from the streams, so it has a thread, which reads for itself.
 * Rejects when reading fails, or with the signal's reason once it is aborted.
 */
export async function hashOf(file: FileHandle, algorithm: string, signal: AbortSignal): Promise<Buffer> {
  const workerData: HashOrder = { fd: file.fd, bytes: (await file.stat()).size, algorithm };
  signal.throwIfAborted();
  const worker = startThread(__dirname, 'file-hash.worker', { workerData });
  try {
    // An 'error' of the thread rejects this.
    const [digest] = (await once(worker, 'message', { signal })) as [Uint8Array];
    return Buffer.from(digest);
  } finally {
    await worker.terminate();
  }
}
