import { request as httpRequest, type IncomingMessage } from 'node:http';
import { withDeadline, LAST_RESORT_MS } from './deadline';
import { SseStream, type SseEvent, type SseReading } from './sse-stream';

export interface OpenOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Last-Event-ID`. */
  readonly lastEventId?: string;
  /** For the response's headers. */
  readonly deadlineMs?: number;
}

export interface ReadOptions extends OpenOptions {
  /** Leave at the first event that this takes; it is also shown all that have come. Without it: read to the end. */
  readonly until?: (event: SseEvent, events: readonly SseEvent[]) => boolean;
  /** For the whole reading. */
  readonly deadlineMs?: number;
}

/** Reads a stream until `until` or its end. Rejects at the deadline, with what had come, or where it breaks off. */
export async function readEvents(url: string, options: ReadOptions = {}): Promise<SseReading> {
  const { until, deadlineMs = LAST_RESORT_MS } = options;
  const startMs = performance.now();
  const stream = await openEvents(url, options);
  try {
    const leftMs = deadlineMs - (performance.now() - startMs);
    if (until) await stream.event(until, leftMs, true);
    else await stream.finished(leftMs);
    return stream.reading();
  } finally {
    stream.close();
  }
}

/** Opens a stream and keeps it open: to leave it at will, or to look at it while something else happens. */
export async function openEvents(url: string, options: OpenOptions = {}): Promise<SseStream> {
  const { headers = {}, lastEventId, deadlineMs = LAST_RESORT_MS } = options;
  const request = httpRequest(url, {
    // A connection of its own, so that closing the stream closes it.
    agent: false,
    headers: {
      Accept: 'text/event-stream',
      ...headers,
      ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
    },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', cause => reject(new Error(`GET ${url} got no answer`, { cause })));
  });
  request.end();
  try {
    return new SseStream(await withDeadline(response, deadlineMs, () => `GET ${url} did not answer`));
  } catch (error) {
    request.destroy();
    throw error;
  }
}
