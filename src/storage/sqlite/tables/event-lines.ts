import type { TaskEvent } from '../../../tasks/task/task';

/** Some consecutive events of a task, as lines. */
export interface Run {
  readonly taskId: string;
  /** The number of its first event. */
  readonly firstSeq: number;
  /** One line an event, see {@link encodeRun}. */
  readonly lines: readonly string[];
}

const letters: Readonly<Record<TaskEvent['type'], string>> = {
  started: 's',
  token: 't',
  delta: 'd',
  metrics: 'm',
  result: 'r',
  end: 'e',
  error: 'x',
};
const types = new Map(Object.entries(letters).map(([type, letter]) => [letter, type as TaskEvent['type']]));
const HEAD = '#';

/**
 * A line that says whose events follow and the number of the first, then a line an event: the letter of its type, its data,
 * and after a tab each the verbose form and a number of its own, where it has them. JSON holds neither line ends nor tabs as they
 * are, and ids no spaces.
 */
export function encodeRun(taskId: string, firstSeq: number, events: readonly TaskEvent[]): string {
  let text = `${HEAD}${taskId} ${firstSeq}\n`;
  for (const { type, data, verboseData, seq } of events) {
    text += letters[type] + data;
    if (verboseData !== undefined || seq !== undefined) text += `\t${verboseData ?? ''}`;
    text += seq === undefined ? '\n' : `\t${seq}\n`;
  }
  return text;
}

/** The runs of a text, of one task if told. */
export function runsOf(text: string, taskId?: string): Run[] {
  const runs: { taskId: string; firstSeq: number; lines: string[] }[] = [];
  let lines: string[] | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith(HEAD)) {
      if (line !== '') lines?.push(line);
      continue;
    }
    const space = line.indexOf(' ');
    const id = line.slice(1, space);
    lines = taskId === undefined || id === taskId ? [] : undefined;
    if (lines) runs.push({ taskId: id, firstSeq: Number(line.slice(space + 1)), lines });
  }
  return runs;
}

export function decodeEvents(lines: readonly string[]): TaskEvent[] {
  return lines.map(line => {
    const type = types.get(line.charAt(0));
    if (!type) throw new Error('a line of copied events is none');
    const [data = '', verboseData, seq] = line.slice(1).split('\t');
    return { type, data, ...(verboseData && { verboseData }), ...(seq !== undefined && { seq: Number(seq) }) };
  });
}
