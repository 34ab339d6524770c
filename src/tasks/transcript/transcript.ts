import { createHash, hash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { CanonicalDocument } from '../../artifacts/artifact-store.port';
import type { TaskEvent } from '../task/task';

/** Put together and hashed in one go: about a millisecond. */
const PIECE_CHARS = 256 * 1024;

/**
 * The transcript of a stream, `{events: [{type, data, seq?}…]}`, as canonical JSON with its hash; `seq` only where it is not the
 * place in the list. Event data is canonical already and the keys stand in their order, so it is put together without being
 * parsed again; a long one in pieces, so that it does not hold up the event loop.
 */
export async function transcriptOf(events: readonly TaskEvent[]): Promise<CanonicalDocument> {
  /** Of one that has more pieces. */
  let hasher: Hash | undefined;
  const pieces: string[] = [];
  let piece = '{"events":[';
  for (let at = 0; at < events.length; at++) {
    const { type, data, seq } = events[at] as TaskEvent;
    if (piece.length > PIECE_CHARS) {
      (hasher ??= createHash('sha256')).update(piece);
      pieces.push(piece);
      piece = '';
      await setImmediate();
    }
    piece += `${at === 0 ? '' : ','}{"data":${data},${seq === undefined ? '' : `"seq":${seq},`}"type":"${type}"}`;
  }
  piece += ']}';
  // In one call, which is several times faster for the few hundred bytes that most have.
  if (!hasher) return { id: hash('sha256', piece, 'hex'), json: piece };
  pieces.push(piece);
  return { id: hasher.update(piece).digest('hex'), json: pieces.join('') };
}

/** The events of a stored transcript, their data canonical again. */
export function eventsOf(transcript: string, canonical: (value: unknown) => string): TaskEvent[] {
  const { events } = JSON.parse(transcript) as { events: (Pick<TaskEvent, 'type' | 'seq'> & { data: unknown })[] };
  return events.map(({ data, ...event }) => ({ ...event, data: canonical(data) }));
}
