import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { format, getFileInfo, resolveConfig } from 'prettier';

const root = resolve(__dirname, '..');

/** A file, or a part of one, that is made from the code. */
export interface GeneratedFile {
  /** From the root of the project. */
  readonly path: string;
  /** The npm script that makes it, for who finds it out of date. */
  readonly script: string;
  /** The text that it should have, given the one it has now (empty where there is none). */
  readonly generate: (current: string) => string;
}

/**
 * Writes the file; with `--check` among the arguments it writes nothing, and where the text differs says so and sets the exit
 * code to 1. The text is formatted as the project formats such files, so that both checks agree.
 */
export async function writeOrCheck({ path, script, generate }: GeneratedFile, args = process.argv): Promise<void> {
  const file = resolve(root, path);
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const wanted = await formatted(file, generate(current));
  if (wanted === current) return;
  if (!args.includes('--check')) {
    writeFileSync(file, wanted);
    process.stdout.write(`${path} written\n`);
    return;
  }
  process.stderr.write(
    `${path} is not what the code says. Run "npm run ${script}".\n${firstDifference(current, wanted)}\n`,
  );
  process.exitCode = 1;
}

/** The text with everything between two marker lines replaced; throws where it has no such markers. */
export function replaceBetween(text: string, begin: string, end: string, insertion: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no part between ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${insertion.trim()}\n\n${text.slice(to)}`;
}

/** A table of Markdown. Pipes in cells are escaped; a line break ends up as a space. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replace(/\s+/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

async function formatted(file: string, text: string): Promise<string> {
  const { ignored, inferredParser } = await getFileInfo(file, { ignorePath: resolve(root, '.prettierignore') });
  if (ignored || !inferredParser) return text;
  return format(text, { ...(await resolveConfig(file)), filepath: relative(root, file) });
}

function firstDifference(current: string, wanted: string): string {
  const [is, should] = [current.split('\n'), wanted.split('\n')];
  const at = should.findIndex((line, index) => line !== is[index]);
  const index = at < 0 ? should.length : at;
  return `line ${index + 1} is  ${is[index] ?? '(nothing)'}\nand should be ${should[index] ?? '(nothing)'}`;
}
