import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { latencyOf, type Latency } from './figures';

/** About what the commit of one task adds to the journal's log. */
const WRITE_BYTES = 16 * 1024;
/** The journal's log has its whole size from its start, so a sync writes no length. */
const FILE_BYTES = 8 * 1024 * 1024;

/** What one write and its sync cost on the disk of this folder. */
export function syncLatency(folder: string, syncs: number): Latency {
  const path = join(folder, 'sync-times');
  const file = openSync(path, 'w');
  try {
    writeSync(file, Buffer.alloc(FILE_BYTES, 1));
    fsyncSync(file);
    const piece = Buffer.alloc(WRITE_BYTES, 2);
    const timesMs: number[] = [];
    for (let n = 0; n < syncs; n++) {
      const startMs = performance.now();
      writeSync(file, piece, 0, WRITE_BYTES, (n * WRITE_BYTES) % FILE_BYTES);
      fdatasyncSync(file);
      timesMs.push(performance.now() - startMs);
    }
    return latencyOf(timesMs);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
