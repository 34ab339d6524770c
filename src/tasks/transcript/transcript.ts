import { createHash } from 'node:crypto';
import type { CanonicalDocument } from '../../artifacts/artifact-store.port';
import type { TaskEvent } from '../task';

/**
 * The transcript of a stream, `{events: [{type, data}…]}`, as canonical JSON with its hash.
 * Event data is canonical already and `data` sorts before `type`, so it is put together without being parsed again.
 */
export function transcriptOf(events: readonly TaskEvent[]): CanonicalDocument {
  const members = events.map(({ type, data }) => `{"data":${data},"type":"${type}"}`);
  const json = `{"events":[${members.join(',')}]}`;
  return { id: createHash('sha256').update(json).digest('hex'), json };
}

/** The events of a stored transcript, their data canonical again. */
export function eventsOf(transcript: string, canonical: (value: unknown) => string): TaskEvent[] {
  const { events } = JSON.parse(transcript) as { events: { type: TaskEvent['type']; data: unknown }[] };
  return events.map(({ type, data }) => ({ type, data: canonical(data) }));
}
