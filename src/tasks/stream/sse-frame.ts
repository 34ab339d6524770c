import type { TaskEvent } from '../task';

/** One event of the stream on the wire. `data` is JSON, whose text never holds a raw line end, so it stands on one line. */
export function eventFrame(seq: number, type: string, data: string): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}

const TYPE_MARK = '\nevent: ';
const DATA_MARK = '\ndata: ';
const END_MARK = '\n\n';

/**
 * The event of a frame that {@link eventFrame} made, without its number. Its data holds no raw line end, so the first marks are the
 * right ones.
 */
export function eventOfFrame(frame: string): TaskEvent {
  const typeAt = frame.indexOf(TYPE_MARK) + TYPE_MARK.length;
  const typeEnd = frame.indexOf(DATA_MARK, typeAt);
  const type = frame.slice(typeAt, typeEnd) as TaskEvent['type'];
  return { type, data: frame.slice(typeEnd + DATA_MARK.length, -END_MARK.length) };
}

/** An event that is told in passing: it is not in the log, has no id, and is not read again after a reconnect. */
export function passingFrame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}
