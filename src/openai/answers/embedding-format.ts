const FLOAT_BYTES = 4;
/** What the engine put out for embeddings ends so, as canonical JSON, where it has no more than the API. */
const END = ',"object":"list"}';

/**
 * The answer as JSON, of the result's text as it stands; undefined where something of it is to be another. A name with its quotes stands in no
 * string of a JSON text, where quotes are escaped.
 * @param result the `result` event's canonical JSON: with neither model nor usage
 * @param more members, as JSON
 */
export function answerOfResult(format: unknown, result: string, more: string): string | undefined {
  const other = format === 'base64' ? '"embedding":[' : '"embedding":"';
  if (!result.endsWith(END) || result.includes(other)) return undefined;
  return `{"object":"list",${result.slice(1, -END.length)},${more}}`;
}

interface Embedding {
  readonly embedding?: unknown;
}

/**
 * Embeddings in the format that was asked for, whatever the engine has sent: some know no base64, and clients that ask for it read
 * nothing else. In base64 they are 32-bit numbers, the least significant byte first.
 */
export function inFormat(format: unknown, data: unknown): unknown {
  if (!Array.isArray(data)) return data;
  const convert = format === 'base64' ? toBase64 : toNumbers;
  return (data as readonly Embedding[]).map(item => ({ ...item, embedding: convert(item.embedding) }));
}

function toBase64(embedding: unknown): unknown {
  if (!Array.isArray(embedding)) return embedding;
  const bytes = Buffer.allocUnsafe(FLOAT_BYTES * embedding.length);
  for (const [at, value] of (embedding as readonly number[]).entries()) bytes.writeFloatLE(value, FLOAT_BYTES * at);
  return bytes.toString('base64');
}

function toNumbers(embedding: unknown): unknown {
  if (typeof embedding !== 'string') return embedding;
  const { buffer, byteOffset, length } = Buffer.from(embedding, 'base64');
  const floats = new DataView(buffer, byteOffset);
  const numbers: number[] = [];
  for (let at = 0; at + FLOAT_BYTES <= length; at += FLOAT_BYTES) numbers.push(floats.getFloat32(at, true));
  return numbers;
}
