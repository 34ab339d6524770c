import type { ModelEntry, VerificationResult } from '../../catalog/model-catalog.port';
import { staysBelow } from '../../catalog/model-file';

type Fields = Partial<Record<keyof ModelEntry, unknown>>;

const results = new Set<unknown>(['passed', 'failed', 'skipped']);
const reasons: Record<VerificationResult['reason'], true> = {
  digest_match: true,
  digest_mismatch: true,
  no_digest: true,
  no_file: true,
  unsupported_algorithm: true,
  unreadable: true,
};

export function writeModelEntry(entry: ModelEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * An entry as it was written. Operators edit such files, so the shape is checked field by field.
 * @throws Error that names the field
 */
export function readModelEntry(text: string): ModelEntry {
  const fields = JSON.parse(text) as Fields | null;
  if (typeof fields !== 'object' || fields === null) throw new Error('it is not a JSON object');
  const { id, state, tags, createdAtMs, localPath, verification } = fields;
  expect('id', typeof id === 'string');
  expect('state', state === 'Active' || state === 'Retired');
  expect('tags', Array.isArray(tags) && tags.every(tag => typeof tag === 'string'));
  expect('createdAtMs', Number.isFinite(createdAtMs));
  expect('localPath', localPath === undefined || (typeof localPath === 'string' && staysBelow(localPath)));
  expect('verification', verification === undefined || isVerification(verification));
  for (const name of ['digest', 'sourceUrl'] as const)
    expect(name, ['string', 'undefined'].includes(typeof fields[name]));
  for (const name of ['lastVerifiedMs', 'retireDeadlineAtMs'] as const) {
    expect(name, fields[name] === undefined || Number.isFinite(fields[name]));
  }
  // The fields left are any JSON.
  return fields as ModelEntry;
}

function expect(field: keyof ModelEntry, isWellFormed: boolean): void {
  if (!isWellFormed) throw new Error(`its field ${field} is missing or not of its kind`);
}

function isVerification(value: unknown): value is VerificationResult {
  if (typeof value !== 'object' || value === null) return false;
  const { result, reason } = value as Partial<Record<keyof VerificationResult, unknown>>;
  return results.has(result) && typeof reason === 'string' && Object.hasOwn(reasons, reason);
}
