import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** Hashed in one go: about a millisecond. */
const CHUNK_BYTES = 1024 * 1024;

/** As hex. In pieces, so that a long transcript does not hold up the event loop. */
export async function sha256(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    if (from > 0) await setImmediate();
    hash.update(bytes.subarray(from, from + CHUNK_BYTES));
  }
  return hash.digest('hex');
}
