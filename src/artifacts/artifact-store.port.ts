/** What is known of an artifact beside its content. */
export interface ArtifactInfo {
  /** Lower-case hex SHA-256 of the canonical JSON. */
  readonly id: string;
  readonly kind: 'document' | 'transcript';
  readonly taskId?: string;
  /** Wall clock, to be shown. */
  readonly createdAtMs: number;
  /** {@link RunningTime} at which it was stored, in whole milliseconds: lists and retention go by it. */
  readonly storedAtMs: number;
  readonly bytes: number;
}

export interface ArtifactQuery {
  readonly kind?: ArtifactInfo['kind'];
  readonly taskId?: string;
  /** Continue after this artifact of the previous page. */
  readonly after?: { readonly storedAtMs: number; readonly id: string };
  readonly limit: number;
}

/** Canonical JSON (RFC 8785) with its hash, ready to be stored. */
export interface CanonicalDocument {
  readonly id: string;
  readonly json: string;
}

export interface PutOptions {
  /** False where nobody waits for the put: a driver may gather it with others for some milliseconds. True by default. */
  readonly isAwaited?: boolean;
}

/**
 * Content-addressed JSON documents. A document is stored once however often it is put; a put resolves once the document is
 * durable; what is read back was checked against its id.
 */
export abstract class ArtifactStore {
  /** Other nodes read it as well. */
  readonly isShared: boolean = false;

  /**
   * Stores a document; storing the same again changes nothing but adds the task to its index.
   * @throws ServiceError STORAGE_FULL when there is no room (on the disk, or within the store's bound after old transcripts
   *   were removed), STORAGE_UNAVAILABLE when it cannot be written
   */
  abstract put(
    document: CanonicalDocument,
    kind: ArtifactInfo['kind'],
    taskId?: string,
    options?: PutOptions,
  ): Promise<void>;

  /**
   * The canonical JSON of an artifact; undefined when there is none. Beside a ledger that tells of ends before their
   * transcripts are stored, a driver waits here for puts of this transcript that are under way, for a second at most; so does
   * {@link list} for those that it may show, and {@link delete}.
   * @throws ServiceError INTERNAL when the stored bytes do not match the id (they are set aside, never returned)
   */
  abstract get(id: string): Promise<string | undefined>;

  /** Newest first. */
  abstract list(query: ArtifactQuery): Promise<readonly ArtifactInfo[]>;

  /** True when there was one. */
  abstract delete(id: string): Promise<boolean>;

  /** Somebody waits for puts of which nobody was to wait, see {@link PutOptions}. */
  hurry(): void {}

  /** Removes transcripts that were stored before a running time, at most `limit` of them; resolves to how many. */
  abstract expireTranscripts(storedBeforeMs: number, limit: number): Promise<number>;
}
