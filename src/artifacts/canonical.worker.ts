import { parentPort } from 'node:worker_threads';
import { ServiceError } from '../errors/service-error';
import { parseJson } from '../http/bodies/json-body';
import { canonicalDocument } from './canonical-json';
import type { DocumentAnswer, DocumentOrder } from './document-forms';

/** Brings documents into canonical form, one after another, on a thread of its own. */

parentPort?.on('message', ({ id, bytes }: DocumentOrder) => parentPort?.postMessage(answer(id, bytes)));

function answer(id: number, bytes: Uint8Array): DocumentAnswer {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    return { id, document: canonicalDocument(parseJson(text)) };
  } catch (thrown) {
    // An error loses its class on the way.
    if (thrown instanceof ServiceError) return { id, refusal: { code: thrown.code, details: thrown.details } };
    throw thrown;
  }
}
