import { markdownTable } from '../../tools/generated-file';
import { shown } from './figures';
import { machine, versions } from './machine';
import type { Bench, Goal, Part, PartReport } from './part';

/** What a goal came to, as one line. */
function goalLine({ what, got, atMost, unit }: Goal): string {
  const outcome = got <= atMost ? 'Met' : 'Missed';
  return `${outcome}: ${what}: ${shown(got)} ${unit} (goal: at most ${shown(atMost)} ${unit})`;
}

/** A part as the document has it. */
export function section({ title }: Part, { method, tables, goals }: PartReport, { quick, runs }: Bench): string {
  const date = new Date().toISOString().slice(0, 10);
  const size = quick ? 'a quick run, too small to quote; ' : '';
  return [
    `## ${title}`,
    `${date}; ${size}medians of ${runs} runs unless it says otherwise.`,
    ...method,
    ...tables.flatMap(({ caption, head, rows }) => [`**${caption}**`, markdownTable(head, rows)]),
    ...(goals.length > 0 ? [goals.map(goal => `- ${goalLine(goal)}`).join('\n')] : []),
  ].join('\n\n');
}

/** A part as the terminal shows it. */
export function terminalText({ title }: Part, { tables, goals }: PartReport): string {
  const lines = [`\n${title}`];
  for (const { caption, head, rows } of tables) {
    const all = [head, ...rows];
    const widths = head.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)));
    lines.push(`\n  ${caption}`);
    for (const row of all) {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      lines.push(`  ${cells.join('   ')}`);
    }
  }
  return [...lines, '', ...goals.map(goal => `  ${goalLine(goal)}`)].join('\n').concat('\n');
}

/**
 * The document with these sections in it. Sections of parts that were not measured now stay, unless they are of another
 * machine or other versions: figures that stand side by side can be compared.
 */
export function withSections(current: string, parts: readonly Part[], measured: ReadonlyMap<string, string>): string {
  const head = ['# Benchmarks', INTRODUCTION, `Machine: ${machine()}.`, `Versions: ${versions()}.`].join('\n\n');
  const isSame = current.startsWith(head);
  const sections = parts.flatMap(({ name }) => {
    const text = measured.get(name) ?? (isSame ? sectionIn(current, name) : undefined);
    return text === undefined ? [] : [`${marker(name, 'begin')}\n\n${text}\n\n${marker(name, 'end')}`];
  });
  const missed = sections.flatMap(text => text.match(/^- Missed: .*$/gm) ?? []);
  const summary =
    missed.length > 0
      ? `**Goals that are missed:**\n\n${missed.map(line => line.replace('Missed: ', '')).join('\n')}`
      : '**Every goal of the parts below is met.**';
  return `${[head, summary, ...sections].join('\n\n')}\n`;
}

const INTRODUCTION = `Written by \`npm run bench\`. Absolute times say little about another machine: what counts is the ratio of each figure to its
floor, measured in the same run, warm, in turns. CPU time is that of the whole process, user and system, from \`/proc\`. The service runs
with its defaults but for what a part names: journal on a disk, API keys, metrics, log level \`info\` into a file. Load, engine and
what is measured are processes of their own and share the cores.`;

function sectionIn(document: string, name: string): string | undefined {
  const [begin, end] = [marker(name, 'begin'), marker(name, 'end')];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  return from < 0 || to < from ? undefined : document.slice(from + begin.length, to).trim();
}

function marker(name: string, place: 'begin' | 'end'): string {
  return `<!-- ${name}:${place} -->`;
}
