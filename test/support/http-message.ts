/** A response as it stood on the wire. */
export interface HttpMessage {
  /** 0 where the peer closed without a status line. */
  readonly status: number;
  /** In the order and case of the wire. */
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  /** By lower-case name; of a repeated one the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The chunks as they were framed; undefined where the body is not chunked. */
  readonly chunks?: readonly string[];
  /** Whether the body came to its end. Without length and chunks only the end of the connection shows that. */
  readonly complete: boolean;
}

/** Reads a response from the bytes of a connection, as far as they go. */
export function parseHttpMessage(bytes: Buffer, connectionEnded: boolean): HttpMessage {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return { status: 0, headerLines: [], headers: {}, body: bytes.toString('utf8'), complete: false };
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headerLines = lines.map(line => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const headers = Object.fromEntries(headerLines.map(([name, value]) => [name.toLowerCase(), value]));
  const head = { status: Number(statusLine.split(' ')[1]), headerLines, headers };
  const rest = bytes.subarray(headEnd + 4);
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) {
    const { chunks, complete } = readChunks(rest);
    return { ...head, body: Buffer.concat(chunks).toString('utf8'), chunks: chunks.map(String), complete };
  }
  const length = headers['content-length'];
  if (length === undefined) return { ...head, body: rest.toString('utf8'), complete: connectionEnded };
  return { ...head, body: rest.subarray(0, Number(length)).toString('utf8'), complete: rest.length >= Number(length) };
}

function readChunks(bytes: Buffer): { chunks: Buffer[]; complete: boolean } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return { chunks, complete: false };
    const size = parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error(`not a chunk size at byte ${at} of the body`);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return { chunks, complete: false };
    if (size === 0) return { chunks, complete: true };
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
