import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../..');

/** A fresh folder on the disk of the project: a temporary folder of the system may be in memory, where a sync costs nothing. */
export function makeWorkFolder(): string {
  const parent = join(root, '.runtime');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
