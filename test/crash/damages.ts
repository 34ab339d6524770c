import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './random';

const SECTOR_BYTES = 512;

/** What was done to a file, in words that let it be done again. */
export interface Damage {
  readonly file: string;
  readonly what: string;
}

type Harm = (handle: number, offset: number, random: Random) => string;

/** Each as a disk, a memory or a cable does it. */
const harms: readonly Harm[] = [flipBit, flipBit, flipBit, overwriteByte, zeroSector, repeatSector, tearOff];

/**
 * Damages one file of a journal at a random place that holds something: stretches of one byte over and over (zeros not used
 * yet, and the reserve) are passed over, for harm there can do none.
 */
export function damage(folder: string, file: string, random: Random): Damage {
  const handle = openSync(join(folder, file), 'r+');
  try {
    const offset = usedOffset(handle, random);
    return { file, what: `${random.pick(harms)(handle, offset, random)} at ${offset}` };
  } finally {
    closeSync(handle);
  }
}

function usedOffset(handle: number, random: Random): number {
  const { size } = fstatSync(handle);
  const around = Buffer.alloc(64);
  for (;;) {
    const offset = random.below(size);
    const bytes = readSync(handle, around, 0, around.length, Math.max(0, offset - 32));
    if (around.subarray(0, bytes).some(byte => byte !== around[0])) return offset;
  }
}

function flipBit(handle: number, offset: number, random: Random): string {
  const bit = random.below(8);
  change(handle, offset, 1, bytes => (bytes[0] = (bytes[0] as number) ^ (1 << bit)));
  return `bit ${bit} flipped`;
}

function overwriteByte(handle: number, offset: number, random: Random): string {
  const value = random.below(256);
  change(handle, offset, 1, bytes => (bytes[0] = value));
  return `byte set to ${value}`;
}

function zeroSector(handle: number, offset: number): string {
  change(handle, offset - (offset % SECTOR_BYTES), SECTOR_BYTES, bytes => bytes.fill(0));
  return 'sector zeroed';
}

/** A write that went to the wrong place. */
function repeatSector(handle: number, offset: number, random: Random): string {
  const other = random.below(Math.max(1, Math.floor(fstatSync(handle).size / SECTOR_BYTES))) * SECTOR_BYTES;
  const sector = Buffer.alloc(SECTOR_BYTES);
  readSync(handle, sector, 0, SECTOR_BYTES, other);
  change(handle, offset - (offset % SECTOR_BYTES), SECTOR_BYTES, bytes => void sector.copy(bytes));
  return `sector overwritten with the one at ${other}`;
}

function tearOff(handle: number, offset: number): string {
  ftruncateSync(handle, offset);
  return 'torn off';
}

function change(handle: number, offset: number, length: number, edit: (bytes: Buffer) => void): void {
  const bytes = Buffer.alloc(length);
  readSync(handle, bytes, 0, length, offset);
  edit(bytes);
  writeSync(handle, bytes, 0, length, offset);
}
