import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Part, PartResult } from './part';
import { admissionPart } from './parts/admission';
import { artifactsPart } from './parts/artifacts';
import { firstTokenPart } from './parts/first-token';
import { idlePart } from './parts/idle';
import { queuePart } from './parts/queue';
import { burstPart, relayPart } from './parts/relay';
import { startPart } from './parts/start';
import { reportOf, tableOf } from './report';

/*
 * Usage: npm run bench -- [--quick] [--write] [part …]
 * Each part against its floor in the same run. A full run of all parts writes docs/benchmarks.md.
 */

const parts: readonly Part[] = [
  relayPart,
  burstPart,
  firstTokenPart,
  admissionPart,
  idlePart,
  queuePart,
  artifactsPart,
  startPart,
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter(name => !parts.some(part => part.name === name));
  if (unknown.length > 0) {
    throw new Error(`no part ${unknown.join(', ')}; there are: ${parts.map(({ name }) => name).join(', ')}`);
  }
  const size = values.quick ? 'quick' : 'full';
  const chosen = parts.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: PartResult[] = [];
  for (const part of chosen) {
    const result = await part.run(size);
    results.push(result);
    console.log(tableOf(result));
  }
  if (values.write || (size === 'full' && chosen.length === parts.length)) {
    const path = resolve(__dirname, '../../docs/benchmarks.md');
    writeFileSync(path, await reportOf(results, size));
    console.log('docs/benchmarks.md is written');
  }
}

main().catch((fault: unknown) => {
  console.error(fault);
  process.exitCode = 1;
});
