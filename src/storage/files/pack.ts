import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ArtifactInfo } from '../../artifacts/artifact-store.port';
import { fileNameOf, infoOf, type StoredName } from './artifact-name';

/*
 * A pack holds artifacts one after the other, two lines each: `#` and what would be the artifact's file name, then its JSON, which
 * has no line end of its own. The `#` of one that was deleted is a `-`, and its content is blank.
 */

const LIVE = '#';
export const DELETED = '-';
/** Longer than any head, see artifact-name.ts. */
const HEAD_BYTES = 256;
const LINE_END = 0x0a;
const SEARCH_BYTES = 64 * 1024;

/** An artifact in a pack. */
export interface PackedArtifact {
  readonly info: StoredName;
  /** Of its record, in bytes from the start of the pack. */
  readonly offset: number;
}

/** The line before the content. */
export function headOf(info: ArtifactInfo): string {
  return `${LIVE}${fileNameOf(info)}\n`;
}

/** Head, content and both line ends. */
export function recordBytesOf(info: ArtifactInfo): number {
  return headOf(info).length + info.bytes + 1;
}

/**
 * The artifacts of a pack, by their heads alone: contents are checked against their ids when they are read. A record that is not
 * whole (what a kill has left at the end, or damage) is passed over, up to the next that is.
 */
export function artifactsIn(path: string): PackedArtifact[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const found: PackedArtifact[] = [];
    for (let at: number | undefined = 0; at !== undefined && at < size;) {
      const record = recordAt(file, at, size);
      if (record?.info) found.push({ info: record.info, offset: at });
      at = record ? record.end : nextHead(file, at + 1, size);
    }
    return found;
  } finally {
    closeSync(file);
  }
}

/** Undefined where no whole record begins; without `info` for a deleted one. */
function recordAt(file: number, at: number, size: number): { info: StoredName | undefined; end: number } | undefined {
  const head = textAt(file, at, HEAD_BYTES);
  const mark = head.charAt(0);
  const info = infoOf(head.slice(1, Math.max(0, head.indexOf('\n'))));
  if (!info || (mark !== LIVE && mark !== DELETED)) return undefined;
  const end = at + recordBytesOf(info);
  if (end > size || textAt(file, end - 1, 1) !== '\n') return undefined;
  return { info: mark === LIVE ? info : undefined, end };
}

/** Where the next line that could be a head begins. */
function nextHead(file: number, from: number, size: number): number | undefined {
  const buffer = Buffer.allocUnsafe(SEARCH_BYTES);
  for (let at = from - 1; at < size; at += SEARCH_BYTES - 1) {
    const length = readSync(file, buffer, 0, SEARCH_BYTES, at);
    for (let end = buffer.indexOf(LINE_END); end >= 0 && end + 1 < length; end = buffer.indexOf(LINE_END, end + 1)) {
      const mark = String.fromCharCode(buffer[end + 1] ?? 0);
      if (mark === LIVE || mark === DELETED) return at + end + 1;
    }
  }
  return undefined;
}

function textAt(file: number, at: number, length: number): string {
  const buffer = Buffer.alloc(length);
  return buffer.toString('latin1', 0, readSync(file, buffer, 0, length, at));
}

/**
 * The list of a pack that takes no more: what {@link artifactsIn} would find, in one small file, for a start must not read its way
 * through gigabytes. Not synced: one that is not whole is noticed by its checksum, and the pack is looked through instead.
 */
export function listOf(artifacts: readonly PackedArtifact[]): string {
  const lines = artifacts.map(({ info, offset }) => `${offset} ${fileNameOf(info)}\n`).join('');
  return `${crc32(lines)}\n${lines}`;
}

/** Undefined where there is no such list or it is damaged. */
export function readList(path: string): PackedArtifact[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
  const headEnd = text.indexOf('\n') + 1;
  const lines = text.slice(headEnd);
  if (headEnd === 0 || Number(text.slice(0, headEnd)) !== crc32(lines)) return undefined;
  return lines.split('\n').flatMap(line => {
    const space = line.indexOf(' ');
    const info = infoOf(line.slice(space + 1));
    return info ? [{ info, offset: Number(line.slice(0, space)) }] : [];
  });
}
