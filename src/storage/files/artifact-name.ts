import type { ArtifactInfo } from '../../artifacts/artifact-store.port';

/**
 * `<id>,<kind>,<created>@<stored>,<bytes>,<task>.json`, without `@<stored>` where both times are the same, as of versions that had
 * but the wall's. A task id has no comma and is at most 128 characters, so the longest name has 249 bytes of the 255 that file
 * systems allow.
 */
const pattern =
  /^([0-9a-f]{64}),(document|transcript),(\d{1,15})(?:@(\d{1,15}))?,(\d{1,12}),([A-Za-z0-9._:-]{0,128})\.json$/;

/** What is known of an artifact stands in its file's name: index and content cannot come apart, and a start reads no content. */
export function fileNameOf({ id, kind, createdAtMs, storedAtMs, bytes, taskId = '' }: ArtifactInfo): string {
  const stored = storedAtMs === createdAtMs ? '' : `@${storedAtMs}`;
  const name = `${id},${kind},${createdAtMs}${stored},${bytes},${taskId}.json`;
  // Ids are hashes and checked task ids; this is the last gate before a path.
  if (!pattern.test(name)) throw new Error('what an artifact is said to be cannot be the name of a file');
  return name;
}

/** Bytes of names that are kept in one piece. */
const SLAB_BYTES = 64 * 1024;
const ID_BYTES = 32;
/** Of a time, and of a size. */
const NUMBER_BYTES = 8;
/** Id, both times, size, kind and the length of the task's id; that id follows. */
const FIXED_BYTES = ID_BYTES + 3 * NUMBER_BYTES + 2;

const kinds: readonly ArtifactInfo['kind'][] = ['document', 'transcript'];

interface Slab {
  readonly bytes: Buffer;
  /** Of the same bytes: numbers are read some ten times as fast as from a Buffer, and are read whenever names are sorted. */
  readonly numbers: DataView;
}

/** What is written to; those before it live as long as a name in them. */
let slab = slabOf(0);
let used = 0;

function slabOf(size: number): Slab {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, numbers: new DataView(bytes.buffer) };
}

/**
 * A name of an artifact, with the place of its content where that stands in a file with others. One is kept for every task that has
 * ended, so what it says is kept as bytes, beside those of other names: as texts and numbers it would be three times as much.
 */
export class StoredName implements ArtifactInfo {
  readonly #slab: Slab;
  readonly #at: number;
  /** Of the packs that hold it; undefined while none does. */
  #pack: object | undefined = undefined;
  #offset = 0;

  constructor({ id, kind, createdAtMs, storedAtMs, bytes, taskId = '' }: ArtifactInfo) {
    const size = FIXED_BYTES + taskId.length;
    if (used + size > slab.bytes.length) {
      slab = slabOf(SLAB_BYTES);
      used = 0;
    }
    this.#slab = slab;
    this.#at = used;
    let at = used + slab.bytes.write(id, used, ID_BYTES, 'hex');
    at = slab.bytes.writeDoubleLE(createdAtMs, at);
    at = slab.bytes.writeDoubleLE(storedAtMs, at);
    at = slab.bytes.writeDoubleLE(bytes, at);
    at = slab.bytes.writeUInt8(kinds.indexOf(kind), at);
    at = slab.bytes.writeUInt8(taskId.length, at);
    used = at + slab.bytes.write(taskId, at, 'latin1');
  }

  get id(): string {
    return this.#slab.bytes.toString('hex', this.#at, this.#at + ID_BYTES);
  }

  get createdAtMs(): number {
    return this.#numberAt(0);
  }

  get storedAtMs(): number {
    return this.#numberAt(1);
  }

  get bytes(): number {
    return this.#numberAt(2);
  }

  get kind(): ArtifactInfo['kind'] {
    return kinds[this.#slab.bytes[this.#at + FIXED_BYTES - 2] as number] as ArtifactInfo['kind'];
  }

  get taskId(): string | undefined {
    const start = this.#at + FIXED_BYTES;
    const length = this.#slab.bytes[start - 1] as number;
    return length === 0 ? undefined : this.#slab.bytes.toString('latin1', start, start + length);
  }

  get pack(): object | undefined {
    return this.#pack;
  }

  /** In bytes from the start of the pack. */
  get offset(): number {
    return this.#offset;
  }

  place(pack: object | undefined, offset = 0): void {
    this.#pack = pack;
    this.#offset = offset;
  }

  /** The same as an object of its own. */
  get info(): ArtifactInfo {
    const { id, kind, createdAtMs, storedAtMs, bytes, taskId } = this;
    return { id, kind, createdAtMs, storedAtMs, bytes, ...(taskId !== undefined && { taskId }) };
  }

  #numberAt(place: number): number {
    return this.#slab.numbers.getFloat64(this.#at + ID_BYTES + place * NUMBER_BYTES, true);
  }
}

/** Undefined for the name of a file that is none of ours. */
export function infoOf(name: string): StoredName | undefined {
  const [, id, kind, created, stored = created, bytes, taskId] = pattern.exec(name) ?? [];
  if (id === undefined || (kind !== 'document' && kind !== 'transcript')) return undefined;
  return new StoredName({
    id,
    kind,
    createdAtMs: Number(created),
    storedAtMs: Number(stored),
    bytes: Number(bytes),
    ...(taskId && { taskId }),
  });
}
