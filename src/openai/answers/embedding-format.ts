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
  const bytes = Buffer.allocUnsafe(4 * embedding.length);
  for (const [at, value] of (embedding as readonly number[]).entries()) bytes.writeFloatLE(value, 4 * at);
  return bytes.toString('base64');
}

function toNumbers(embedding: unknown): unknown {
  if (typeof embedding !== 'string') return embedding;
  const bytes = Buffer.from(embedding, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(4 * at));
}
