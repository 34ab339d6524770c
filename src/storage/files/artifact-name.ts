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

/**
 * A name of an artifact, with the place of its content where that stands in a file with others. One is kept for every task that has ended,
 * so the place is part of it: a map of places would take as much again.
 */
export class StoredName implements ArtifactInfo {
  readonly id: string;
  readonly kind: ArtifactInfo['kind'];
  readonly createdAtMs: number;
  readonly storedAtMs: number;
  readonly bytes: number;
  declare readonly taskId?: string;
  /** Of the packs that hold it; undefined while none does. */
  #pack: object | undefined = undefined;
  #offset = 0;

  constructor({ id, kind, createdAtMs, storedAtMs, bytes, taskId }: ArtifactInfo) {
    this.id = id;
    this.kind = kind;
    this.createdAtMs = createdAtMs;
    this.storedAtMs = storedAtMs;
    this.bytes = bytes;
    if (taskId !== undefined) this.taskId = taskId;
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
