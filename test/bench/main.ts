import { writeOrCheck } from '../../tools/generated-file';
import { LoadProcess } from './load/load-process';
import { readOptions, usage, type Options } from './options';
import type { Bench, Part } from './part';
import { admission } from './parts/admission';
import { artifacts } from './parts/artifacts';
import { costs } from './parts/costs';
import { firstToken } from './parts/first-token';
import { idle } from './parts/idle';
import { openai } from './parts/openai';
import { memory } from './parts/memory';
import { nodes } from './parts/nodes';
import { prediction } from './parts/prediction';
import { queue } from './parts/queue';
import { relay } from './parts/relay';
import { soak } from './parts/soak';
import { start } from './parts/start';
import { section, terminalText, withSections } from './report';
import { makeWorkFolder } from './work-folder';

/** Measures what the service costs against what nothing less could cost; see docs/benchmarks.md. */

const parts: readonly Part[] = [
  costs,
  relay,
  openai,
  admission,
  firstToken,
  idle,
  queue,
  prediction,
  artifacts,
  start,
  nodes,
];
/** Those that take minutes: only where they are named. */
const long: readonly Part[] = [memory];

async function main({ names, quick, write, soakMinutes }: Options): Promise<void> {
  const known = [...parts, ...long];
  const unknown = names.filter(name => !known.some(part => part.name === name));
  if (unknown.length > 0) {
    throw new Error(`no such part: ${unknown.join(', ')}; there are ${known.map(({ name }) => name).join(', ')}`);
  }
  const soaking = soak(soakMinutes ?? 0);
  const named = known.filter(({ name }) => names.includes(name));
  const chosen = soakMinutes !== undefined ? [...named, soaking] : named.length > 0 ? named : parts;
  const bench: Bench = {
    quick,
    runs: quick ? 3 : 5,
    folder: makeWorkFolder(),
    load: new LoadProcess(),
    size: (full, small) => (quick ? small : full),
    say: line => process.stdout.write(`    ${line}\n`),
  };
  const measured = new Map<string, string>();
  for (const part of chosen) {
    process.stdout.write(`\n${part.name}\n`);
    const report = await part.run(bench);
    process.stdout.write(terminalText(part, report));
    measured.set(part.name, section(part, report, bench));
  }
  bench.load.stop();
  if (!write) return;
  const generate = (current: string): string => withSections(current, [...known, soaking], measured);
  await writeOrCheck({ path: 'docs/benchmarks.md', script: 'bench', generate }, []);
}

// So that what was started is ended, and the folder removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

try {
  main(readOptions(process.argv.slice(2))).catch(fail);
} catch (error) {
  fail(error);
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n\n${usage}\n`);
  process.exit(1);
}
