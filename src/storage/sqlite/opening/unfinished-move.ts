import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where a move builds a data folder, within it: gone once that is whole. */
export const UNFINISHED = 'moving';

/** @throws Error where a move into this folder was not finished: nothing is begun beside what it has left */
export function assertNoMove(dataDir: string): void {
  if (existsSync(join(dataDir, UNFINISHED)))
    throw new Error(
      `a move into the data folder ${dataDir} was not finished: do it again, or take away all that is in the folder`,
    );
}
