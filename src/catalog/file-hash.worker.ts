import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { HashOrder } from './file-hash';

/** Hashes one open file, on a thread of its own. */

const CHUNK_BYTES = 1024 * 1024;

const { fd, bytes, algorithm } = workerData as HashOrder;
const hash = createHash(algorithm);
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
for (let position = 0; position < bytes;) {
  const read = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, bytes - position), position);
  if (read === 0) throw new Error('the file became shorter while it was hashed');
  hash.update(chunk.subarray(0, read));
  position += read;
}
parentPort?.postMessage(hash.digest());
