import { crc32 } from 'node:zlib';

/** One write as the commit log holds it. */
export interface LoggedRecord {
  /** Counted upwards over the whole life of the journal; a safe integer. */
  readonly number: number;
  /** When it was written, all up to this number was acknowledged; those between were being written beside it. */
  readonly after: number;
  /** Text, of any characters. Half of a surrogate pair, which UTF-8 cannot say, is read back as U+FFFD. */
  readonly body: string;
}

/**
 * A record, of little-endian fields, begins at a multiple of 8 bytes and ends with zeros up to the next:
 *
 *     0  magic      4 bytes that no UTF-8 text has, so that nothing in a body is ever taken for a record
 *     4  checksum   CRC-32 of all that follows but the zeros
 *     8  length     of the body in bytes, 32 bits
 *    12  number     as a double
 *    20  after      as a double
 *    28  body       UTF-8
 */
const MAGIC = 0xfffef5c1;
const CHECKSUM_AT = 4;
const LENGTH_AT = 8;
const NUMBER_AT = 12;
const AFTER_AT = 20;
const BODY_AT = 28;
const UNIT_BYTES = 8;

/** What so many records take at most whose bodies have so many bytes in all. */
export function mostBytes(records: number, bodyBytes: number): number {
  return bodyBytes + records * (BODY_AT + UNIT_BYTES - 1);
}

/** Records one behind the other, in one buffer. */
export function encodeRecords(records: readonly LoggedRecord[]): Buffer {
  let bytes = 0;
  for (const { body } of records) bytes += paddedBytes(Buffer.byteLength(body));
  const encoded = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const record of records) at = put(encoded, at, record);
  return encoded;
}

/**
 * All whole records that stand in these bytes, in the order of their places.
 *
 * Where one is not whole, the search goes on at the next place where one may begin: so damage costs the record it is in, and what
 * earlier laps have left behind the last record is found too.
 */
export function decodeRecords(bytes: Buffer): {
  readonly records: LoggedRecord[];
  /** Places where a record begins that does not add up: a write that was torn, or damage. */
  readonly damaged: number;
} {
  const records: LoggedRecord[] = [];
  let damaged = 0;
  for (let at = 0; at + CHECKSUM_AT <= bytes.length;) {
    const end = isMagic(bytes.readUInt32LE(at)) ? endOfWhole(bytes, at) : undefined;
    if (end === 0) damaged++;
    if (end) {
      const number = bytes.readDoubleLE(at + NUMBER_AT);
      const after = bytes.readDoubleLE(at + AFTER_AT);
      records.push({ number, after, body: bytes.toString('utf8', at + BODY_AT, end) });
      at += paddedBytes(end - at - BODY_AT);
    } else at += UNIT_BYTES;
  }
  return { records, damaged };
}

/** Of a record whose body has so many bytes. */
function paddedBytes(bodyBytes: number): number {
  return Math.ceil((BODY_AT + bodyBytes) / UNIT_BYTES) * UNIT_BYTES;
}

/** Gives the place behind it. */
function put(encoded: Buffer, at: number, { number, after, body }: LoggedRecord): number {
  const bodyBytes = encoded.write(body, at + BODY_AT);
  const end = at + BODY_AT + bodyBytes;
  encoded.writeUInt32LE(bodyBytes, at + LENGTH_AT);
  encoded.writeDoubleLE(number, at + NUMBER_AT);
  encoded.writeDoubleLE(after, at + AFTER_AT);
  encoded.writeUInt32LE(crc32(encoded.subarray(at + LENGTH_AT, end)), at + CHECKSUM_AT);
  encoded.writeUInt32LE(MAGIC, at);
  const next = at + paddedBytes(bodyBytes);
  encoded.fill(0, end, next);
  return next;
}

/** True where one byte is another, too: damage there is to be noticed like any other. */
function isMagic(word: number): boolean {
  const wrong = word ^ MAGIC;
  return (
    (wrong & 0xffffff00) === 0 || (wrong & 0xffff00ff) === 0 || (wrong & 0xff00ffff) === 0 || (wrong & 0xffffff) === 0
  );
}

/** Where its body ends; 0 where the record does not add up. */
function endOfWhole(bytes: Buffer, at: number): number {
  if (at + BODY_AT > bytes.length) return 0;
  const end = at + BODY_AT + bytes.readUInt32LE(at + LENGTH_AT);
  if (end > bytes.length) return 0;
  return crc32(bytes.subarray(at + LENGTH_AT, end)) === bytes.readUInt32LE(at + CHECKSUM_AT) ? end : 0;
}
