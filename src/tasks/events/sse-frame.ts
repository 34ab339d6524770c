import type { TaskEvent } from '../task/task';

/** One event of the stream on the wire. `data` is JSON, whose text never holds a raw line end, so it stands on one line. */
export function eventFrame(seq: number, type: string, data: string): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}

const ID = 'id: ';
const TYPE = 'event: ';
const DATA = 'data: ';
const END = '\n\n';

/** An event with its number in the stream. */
export interface NumberedEvent extends TaskEvent {
  readonly seq: number;
}

/*
 * A frame is three lines and an empty one, and none of what stands on them holds a raw line end.
 */

/** The event of a frame that {@link eventFrame} made, without its number. */
export function eventOfFrame(frame: string): TaskEvent {
  const typeAt = frame.indexOf('\n') + 1;
  const typeEnd = frame.indexOf('\n', typeAt);
  const type = frame.slice(typeAt + TYPE.length, typeEnd) as TaskEvent['type'];
  return { type, data: frame.slice(typeEnd + 1 + DATA.length, -END.length) };
}

/** The events of whole frames that {@link eventFrame} made. */
export function* eventsIn(frames: Buffer): Generator<NumberedEvent> {
  const text = frames.toString('utf8');
  for (let at = 0; at < text.length;) {
    const idEnd = text.indexOf('\n', at);
    const typeEnd = text.indexOf('\n', idEnd + 1);
    const dataEnd = text.indexOf('\n', typeEnd + 1);
    yield {
      seq: Number(text.slice(at + ID.length, idEnd)),
      type: text.slice(idEnd + 1 + TYPE.length, typeEnd) as TaskEvent['type'],
      data: text.slice(typeEnd + 1 + DATA.length, dataEnd),
    };
    at = dataEnd + END.length;
  }
}

/** An event that is told in passing: it is not in the log, has no id, and is not read again after a reconnect. */
export function passingFrame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}
