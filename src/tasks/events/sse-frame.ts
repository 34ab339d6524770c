import type { TaskEvent } from '../task/task';

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

/** An event with its number in the stream. */
export interface NumberedEvent extends TaskEvent {
  readonly seq: number;
}

const ID_MARK = 'id: ';

/** The events of whole frames that {@link eventFrame} made. */
export function* eventsIn(frames: Buffer): Generator<NumberedEvent> {
  const text = frames.toString('utf8');
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(END_MARK, at) + END_MARK.length;
    const seq = Number(text.slice(at + ID_MARK.length, text.indexOf('\n', at)));
    yield { ...eventOfFrame(text.slice(at, end)), seq };
    at = end;
  }
}

/** An event that is told in passing: it is not in the log, has no id, and is not read again after a reconnect. */
export function passingFrame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}
