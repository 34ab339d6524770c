import type { Observable } from 'rxjs';

export const modelStates = ['Active', 'Retired'] as const;
export type ModelState = (typeof modelStates)[number];

export const verificationResults = ['passed', 'failed', 'skipped'] as const;
/** Bounded vocabulary: it becomes a metric label. */
export const verificationReasons = [
  'digest_match',
  'digest_mismatch',
  'no_digest',
  'no_file',
  'unsupported_algorithm',
  'unreadable',
] as const;

export interface VerificationResult {
  readonly result: (typeof verificationResults)[number];
  readonly reason: (typeof verificationReasons)[number];
}

/** A model of the catalogue. */
export interface ModelEntry {
  readonly id: string;
  /** `algo:value`, where known. */
  readonly digest?: string;
  readonly state: ModelState;
  readonly sourceUrl?: string;
  /** Relative to the model directory, never outside it. */
  readonly localPath?: string;
  readonly tags: readonly string[];
  readonly manifests?: unknown;
  readonly signatures?: unknown;
  readonly sbom?: unknown;
  readonly trustPolicy?: unknown;
  /** Wall clock, all three. */
  readonly createdAtMs: number;
  readonly lastVerifiedMs?: number;
  readonly retireDeadlineAtMs?: number;
  readonly verification?: VerificationResult;
}

/** An entry as it is now; undefined where it was deleted. */
export interface CatalogChange {
  readonly id: string;
  readonly entry: ModelEntry | undefined;
}

/** Entries by id; every change is durable when its promise resolves, and all-or-nothing. */
export abstract class ModelCatalog {
  /** At the start the entries that there are, then each change once it is durable; never errors. */
  abstract readonly changes$: Observable<CatalogChange>;

  abstract find(id: string): Promise<ModelEntry | undefined>;

  /** By id, ascending, after `afterId`. */
  abstract list(afterId: string | undefined, limit: number): Promise<readonly ModelEntry[]>;

  /** Stores a new entry; false when the id is taken (nothing is changed then). */
  abstract create(entry: ModelEntry): Promise<boolean>;

  /** Replaces an entry with what `change` makes of it; undefined when there is none. Changes of one id run one by one. */
  abstract update(id: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry | undefined>;

  /** The entry that was removed; undefined when there was none. */
  abstract delete(id: string): Promise<ModelEntry | undefined>;
}
