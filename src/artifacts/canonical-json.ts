import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { ServiceError } from '../errors/service-error';
import { MAX_JSON_DEPTH } from '../http/bodies/json-body';
import type { CanonicalDocument } from './artifact-store.port';

const MAX_DOCUMENT_BYTES = 1024 * 1024;

/**
 * A JSON value in canonical form (RFC 8785) with its SHA-256: the same content has the same id, however it was written.
 * As the RFC has it (by way of I-JSON, RFC 7493), numbers are IEEE 754 doubles, and text with a lone surrogate, which has no
 * UTF-8, is refused rather than repaired: two documents that differ must not become one.
 * @throws ServiceError INVALID_PARAMS, BODY_TOO_LARGE past a mebibyte
 */
export function canonicalDocument(value: unknown): CanonicalDocument {
  if (value === undefined) throw refused('the body must be a JSON document');
  const isInOrder = examine(value);
  // Of a value whose members are in order already, JSON.stringify writes the canonical form, many times faster: the RFC is
  // ECMAScript's serialization plus an order.
  const json = isInOrder ? JSON.stringify(value) : (canonicalize(value) ?? '');
  if (Buffer.byteLength(json) > MAX_DOCUMENT_BYTES) throw tooLarge();
  return { id: createHash('sha256').update(json).digest('hex'), json };
}

/**
 * Refuses what has no canonical form, and what is too deep or too large, before anything recurses over it: level by level, so
 * that no input can exhaust the stack. True when the members of all objects are in canonical order (by UTF-16 units).
 */
function examine(value: unknown): boolean {
  let isInOrder = true;
  /** At least that many bytes: a character each, and the punctuation around it. */
  let bytes = 0;
  let level: unknown[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const node of level) {
      bytes += 1 + (typeof node === 'string' ? assertText(node) : 1);
      if (typeof node === 'number' && !Number.isFinite(node))
        throw refused('numbers must be within the range of a double');
      if (typeof node !== 'object' || node === null) continue;
      if (depth > MAX_JSON_DEPTH) throw refused(`the document must nest at most ${MAX_JSON_DEPTH} levels`);
      if (Array.isArray(node)) {
        for (const member of node) next.push(member);
        continue;
      }
      let before = '';
      for (const [key, member] of Object.entries(node)) {
        bytes += assertText(key) + 1;
        if (key < before) isInOrder = false;
        before = key;
        next.push(member);
      }
    }
    // The root has no comma.
    if (bytes - 1 > MAX_DOCUMENT_BYTES) throw tooLarge();
    level = next;
  }
  return isInOrder;
}

/** Its length with its quotes. */
function assertText(text: string): number {
  if (!text.isWellFormed()) throw refused('the document must be well-formed Unicode');
  return text.length + 2;
}

function refused(message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field: 'body', message });
}

function tooLarge(): ServiceError {
  return new ServiceError('BODY_TOO_LARGE', {
    field: 'body',
    message: `the document must have at most ${MAX_DOCUMENT_BYTES} bytes in canonical form`,
  });
}
