/** One event of the stream on the wire. `data` is JSON, whose text never holds a raw line end, so it stands on one line. */
export function eventFrame(seq: number, type: string, data: string): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}

/** An event that is told in passing: it is not in the log, has no id, and is not read again after a reconnect. */
export function passingFrame(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}
