import type { TaskEvent } from '../../tasks/task';

const letters: Readonly<Record<TaskEvent['type'], string>> = {
  started: 's',
  token: 't',
  metrics: 'm',
  end: 'e',
  error: 'x',
};
const types = new Map(Object.entries(letters).map(([type, letter]) => [letter, type as TaskEvent['type']]));

/** One line an event: the letter of its type, its data, and after a tab the verbose form. JSON holds neither raw. */
export function encodeEvents(events: readonly TaskEvent[]): string {
  let lines = '';
  for (const { type, data, verboseData } of events) {
    lines += verboseData === undefined ? `${letters[type]}${data}\n` : `${letters[type]}${data}\t${verboseData}\n`;
  }
  return lines;
}

export function decodeEvents(lines: string): TaskEvent[] {
  const events: TaskEvent[] = [];
  for (const line of lines.split('\n')) {
    const type = types.get(line.charAt(0));
    if (!type) continue; // What follows the last line end.
    const [data = '', verboseData] = line.slice(1).split('\t');
    events.push(verboseData === undefined ? { type, data } : { type, data, verboseData });
  }
  return events;
}
