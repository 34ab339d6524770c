import { basename, dirname } from 'node:path';
import { markdownTable, replaceBetween, type GeneratedFile } from '../../../tools/generated-file';
import type { Step } from './stepped-tasks';

/** A file that was come to. */
export interface Visited {
  /** Empty for the main thread, else the source that the thread runs. */
  readonly thread: string;
  /** Path below `src/`. */
  readonly file: string;
}

type VisitedFiles = Readonly<Record<Step, readonly Visited[]>>;

const steps: readonly (readonly [Step, name: string])[] = [
  ['submission', 'Submission'],
  ['token', 'Token'],
  ['end', 'End'],
];
const begin = '<!-- visited:begin -->';
const end = '<!-- visited:end -->';

/** Each file in order, a line each. */
export function visitedText(visited: VisitedFiles): string {
  const lines = ({ thread, file }: Visited): string => `  ${file}${thread === '' ? '' : ` (thread ${thread})`}\n`;
  return steps
    .map(([step, name]) => `${name}: ${sizeOf(visited[step])}\n${visited[step].map(lines).join('')}`)
    .join('');
}

/** The table in docs/the-way-of-a-task.md: folders in the order in which they are come to, with their files. */
export function visitedDoc(visited: VisitedFiles): GeneratedFile {
  return {
    path: 'docs/the-way-of-a-task.md',
    script: 'way',
    generate: text => replaceBetween(text, begin, end, table(visited)),
  };
}

function table(visited: VisitedFiles): string {
  const rooms = new Map<string, Visited>();
  for (const [step] of steps) for (const one of visited[step]) if (!rooms.has(roomOf(one))) rooms.set(roomOf(one), one);
  const rows = [...rooms.keys()].map(room => [
    room,
    ...steps.map(([step]) =>
      visited[step]
        .filter(one => roomOf(one) === room)
        .map(({ file }) => basename(file, '.ts'))
        .join(', '),
    ),
  ]);
  return markdownTable(['Room', ...steps.map(([step, name]) => `${name}: ${sizeOf(visited[step])}`)], rows);
}

function roomOf({ thread, file }: Visited): string {
  const room = `\`${dirname(file)}\``;
  return thread === '' ? room : `${room} in the thread of ${basename(thread, '.ts')}`;
}

/** A file or a room counts once, on however many threads. */
function sizeOf(files: readonly Visited[]): string {
  const names = new Set(files.map(({ file }) => file));
  return `${names.size} files, ${new Set([...names].map(name => dirname(name))).size} rooms`;
}
