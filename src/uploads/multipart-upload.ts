import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { ServiceError } from '../errors/service-error';
import { PiecePace } from '../http/bodies/piece-pace';
import { Silence } from './silence';
import { uploadFields } from './upload-form';

/** Where the bytes of the file go, in order. */
export interface UploadTarget {
  readonly bytes: number;
  append(piece: Buffer): Promise<void>;
}

/** What a form has beside its file. */
export interface UploadForm {
  readonly filename: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** A form has a purpose and, at most, an anchor and seconds after it; the rest is room for what clients add. */
const FIELDS_MAX = 16;
const FIELD_MAX_BYTES = 1024;
const HEADER_MAX_BYTES = 8 * 1024;
const HEADERS_MAX = 32;
const FILENAME_MAX_CHARS = 255;
/** Boundaries, headers and fields, and what stands before the first boundary or after the last. */
const OVERHEAD_MAX_BYTES = 64 * 1024;

/**
 * Before anything is made of a form, or asked for of a client that waits for leave to send it.
 * @throws ServiceError BODY_TOO_LARGE where its length says so already
 */
export function assertMayFit({ headers }: IncomingMessage, maxBytes: number): void {
  if (Number(headers['content-length']) > maxBytes + OVERHEAD_MAX_BYTES) throw tooLarge(maxBytes);
}

/**
 * Reads one `multipart/form-data` body: its file goes to the target piece by piece, and no faster than that takes it, so that no more
 * than two pieces are held; fields that nobody reads are passed over. Resolves once the body has ended as it should and all of the file was taken.
 * @throws ServiceError INVALID_PARAMS for a form that is not one, has no file or several, or broke off; BODY_TOO_LARGE;
 *   REQUEST_TIMEOUT where its client falls silent; and whatever the target throws. Nothing is appended once it has thrown.
 */
export async function readUpload(
  request: IncomingMessage,
  target: UploadTarget,
  maxBytes: number,
): Promise<UploadForm> {
  const parser = parserFor(request, maxBytes);
  const fields = new Map<string, string>();
  const silence = new Silence(request);
  let file: { readonly name: string; readonly content: BusboyFileStream; readonly writing: Promise<void> } | undefined;
  let bytes = 0;
  const pace = new PiecePace(request);
  const count = (piece: Buffer): void => {
    pace.took();
    bytes += piece.length;
    if (bytes > maxBytes + OVERHEAD_MAX_BYTES)
      parser.emit('error', new Error('more around the file than a form needs'));
  };
  try {
    await new Promise<void>((resolve, reject) => {
      parser
        .on('field', (name, value, _nameIsCut, isCut) => {
          if (!uploadFields.has(name)) return;
          if (isCut) reject(invalid(name, `${name} must have at most ${FIELD_MAX_BYTES} bytes`));
          else fields.set(name, value);
        })
        .on('file', (name, content, given) => {
          content.on('error', reject).on('limit', () => reject(tooLarge(maxBytes)));
          if (name !== 'file') return reject(invalid(plain(name), 'the file must be the field `file` of the form'));
          file = { name: plain(given), content, writing: written(content, target) };
          file.writing.catch(reject);
        })
        .on('filesLimit', () => reject(invalid('file', 'file must be one file: send one request for each')))
        .on('fieldsLimit', () => reject(invalid('body', `the form must have at most ${FIELDS_MAX} fields`)))
        .on('error', () => reject(invalid('body', 'the body is not a complete multipart/form-data form')))
        .on('finish', resolve);
      request.once('close', () => request.complete || reject(invalid('body', 'the body broke off')));
      silence.onceTooLong(reject);
      request.on('data', count).pipe(parser);
    });
    await file?.writing;
  } finally {
    silence.end();
    request.off('data', count).unpipe(parser);
    parser.destroy();
    file?.content.destroy();
    await file?.writing.catch(() => undefined);
  }
  if (!file) throw invalid('file', 'file is required: the content to be uploaded');
  return { filename: file.name, fields };
}

function parserFor({ headers }: IncomingMessage, maxBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        fields: FIELDS_MAX,
        fieldSize: FIELD_MAX_BYTES,
        files: 1,
        fileSize: maxBytes,
        headerPairs: HEADERS_MAX,
        headerSize: HEADER_MAX_BYTES,
      },
    });
  } catch {
    throw invalid('body', 'the Content-Type of the body must name the boundary of its parts');
  }
}

/** Held back by the target, the file holds the parser back, and that the socket. Settles with no append under way. */
function written(content: BusboyFileStream, target: UploadTarget): Promise<void> {
  let appending = Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (): void => void appending.then(resolve, reject);
    content
      .on('data', (piece: Buffer) => {
        content.pause();
        appending = target.append(piece);
        appending.then(() => content.resume(), reject);
      })
      .on('end', settle)
      .on('close', settle)
      .on('error', settle);
  });
}

/** For lists and logs: no control characters, and not without end. */
function plain(filename: string | undefined): string {
  const name = (filename ?? '')
    .replace(/[\x00-\x1f\x7f]/g, '')
    .toWellFormed()
    .slice(0, FILENAME_MAX_CHARS);
  return name === '' ? 'file' : name;
}

function tooLarge(maxBytes: number): ServiceError {
  const message = `file must have at most ${maxBytes} bytes (ORCHD_FILE_MAX_BYTES)`;
  return new ServiceError('BODY_TOO_LARGE', { field: 'file', message });
}

function invalid(field: string, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message });
}
