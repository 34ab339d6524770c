import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { ServiceError } from '../errors/service-error';
import { MAX_JSON_DEPTH } from '../http/json-body';
import type { CanonicalDocument } from './artifact-store.port';

const MAX_DOCUMENT_BYTES = 1024 * 1024;

/**
 * A JSON value in canonical form (RFC 8785) with its SHA-256: the same content has the same id, however it was written.
 * @throws ServiceError INVALID_PARAMS for text with lone surrogates (which has no UTF-8), for what nests too deep,
 *   BODY_TOO_LARGE past a mebibyte
 */
export function canonicalDocument(value: unknown): CanonicalDocument {
  assertDepth(value);
  const json = canonicalize(value);
  if (json === undefined) throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body must be a JSON document' });
  // JSON.stringify writes a lone surrogate as an escape; no well-formed text leaves one behind.
  if (/(?<!\\)(\\\\)*\\ud[89a-f]/.test(json)) {
    throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the document must be well-formed Unicode' });
  }
  if (Buffer.byteLength(json) > MAX_DOCUMENT_BYTES) {
    throw new ServiceError('BODY_TOO_LARGE', { field: 'body', message: `the document must have at most ${MAX_DOCUMENT_BYTES} bytes` });
  }
  return { id: createHash('sha256').update(json).digest('hex'), json };
}

/** Level by level, so that no input can exhaust the stack; the canonicalizer recurses. */
function assertDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_JSON_DEPTH) {
      throw new ServiceError('INVALID_PARAMS', { field: 'body', message: `the document must nest at most ${MAX_JSON_DEPTH} levels` });
    }
    level = level.flatMap(node => (typeof node === 'object' && node !== null ? (Object.values(node) as unknown[]) : []));
  }
}
