import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { format } from 'prettier';
import type { PartResult, Size } from './part';

export function tableOf({ title, what, columns, rows, verdict }: PartResult): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = columns.map((_, at) => (at === 0 ? '---' : '---:'));
  return [`## ${title}`, '', what, '', line(columns), line(rule), ...rows.map(line), '', verdict, ''].join('\n');
}

/** The page of a whole run: on what, with what, when, and every table. */
export async function reportOf(results: readonly PartResult[], size: Size): Promise<string> {
  const root = resolve(__dirname, '../..');
  const { dependencies } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const versions = ['fastify', '@nestjs/core', 'undici', 'better-sqlite3', 'rxjs'].map(
    name => `${name} ${dependencies[name]}`,
  );
  const head = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`. What counts are the ratios: each figure stands beside a floor that was measured in the same run, by',
    'turns, warm; of five rounds the median (of one in a quick run). CPU time is what the kernel charged the process, all threads.',
    '',
    `- Machine: ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, shared by load generator, engine and service`,
    `- Node ${process.version}, ${versions.join(', ')}`,
    `- ${new Date().toISOString().slice(0, 10)}, commit ${commit}, ${size} run`,
    '',
  ];
  return format([...head, ...results.map(tableOf)].join('\n'), { parser: 'markdown', printWidth: 120 });
}
