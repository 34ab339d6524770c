import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** Those that are not removed yet go with the process, so that none outlives a test that failed or forgot. */
const present = new Set<string>();
process.on('exit', () => {
  for (const path of present) removeFolder(path);
});

/** A fresh folder of one's own. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'orchd-test-'));
  present.add(path);
  return { path, remove: () => removeFolder(path) };
}

function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  present.delete(path);
}
