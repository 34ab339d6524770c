import { createHash } from 'node:crypto';
import type { CanonicalDocument } from '../../artifacts/artifact-store.port';
import type { TaskEvent } from '../task';

/**
 * The transcript of a stream, `{events: [{type, data, seq?}…]}`, as canonical JSON with its hash; `seq` only where it is not the
 * place in the list. Event data is canonical already and the keys stand in their order, so it is put together without being
 * parsed again.
 */
export function transcriptOf(events: readonly TaskEvent[]): CanonicalDocument {
  const members = events.map(
    ({ type, data, seq }) => `{"data":${data},${seq === undefined ? '' : `"seq":${seq},`}"type":"${type}"}`,
  );
  const json = `{"events":[${members.join(',')}]}`;
  return { id: createHash('sha256').update(json).digest('hex'), json };
}

/** The events of a stored transcript, their data canonical again. */
export function eventsOf(transcript: string, canonical: (value: unknown) => string): TaskEvent[] {
  const { events } = JSON.parse(transcript) as { events: (Pick<TaskEvent, 'type' | 'seq'> & { data: unknown })[] };
  return events.map(({ data, ...event }) => ({ ...event, data: canonical(data) }));
}
