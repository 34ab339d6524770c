import { ServiceError } from '../errors/service-error';
import { uploadPurposes, type Purpose } from './stored-file';

const SECOND_MS = 1000;
/** As OpenAI's API bounds it. */
const EXPIRY_MIN_S = 3600;
const EXPIRY_MAX_S = 30 * 24 * 3600;

/** What is read of a form, beside its file. */
export const uploadFields: ReadonlySet<string> = new Set([
  'purpose',
  'expires_after[anchor]',
  'expires_after[seconds]',
]);

/** What a form says of its file. */
export interface UploadWishes {
  readonly purpose: Purpose;
  /** From its creation; undefined: as long as files are kept. */
  readonly keptMs?: number;
}

/** @throws ServiceError INVALID_PARAMS naming the field */
export function wishesOf(fields: ReadonlyMap<string, string>): UploadWishes {
  const purpose = uploadPurposes.find(each => each === fields.get('purpose'));
  if (!purpose) throw invalid('purpose', `one of: ${uploadPurposes.join(', ')}`);
  const keptMs = keptMsOf(fields.get('expires_after[anchor]'), fields.get('expires_after[seconds]'));
  return { purpose, ...(keptMs !== undefined && { keptMs }) };
}

function keptMsOf(anchor: string | undefined, seconds: string | undefined): number | undefined {
  if (anchor !== undefined && anchor !== 'created_at') throw invalid('expires_after[anchor]', 'created_at');
  if (seconds === undefined) return undefined;
  return expiryMs('expires_after[seconds]', /^\d{1,9}$/.test(seconds) ? Number(seconds) : NaN);
}

/** @throws ServiceError INVALID_PARAMS naming the field */
export function expiryMs(field: string, seconds: unknown): number {
  const isIn = Number.isInteger(seconds) && Number(seconds) >= EXPIRY_MIN_S && Number(seconds) <= EXPIRY_MAX_S;
  if (!isIn) throw invalid(field, `a whole number from ${EXPIRY_MIN_S} to ${EXPIRY_MAX_S}`);
  return Number(seconds) * SECOND_MS;
}

function invalid(field: string, allowed: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must be ${allowed}` });
}
