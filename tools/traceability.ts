import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable, writeOrCheck } from './generated-file';
import { readScenarios } from './scenarios';

/*
 * Which scenario proves which behaviour: docs/traceability.md, from the tags of the features, the codes in the titles of
 * specs, and the catalogue. Fails for a code that nothing proves, a mark that does not hold, and a code that the catalogue
 * does not have.
 */

interface Behaviour {
  readonly code: string;
  readonly mark: string;
}

interface Proof {
  readonly title: string;
  readonly file: string;
  readonly codes: readonly string[];
  /** Undefined for a test. */
  readonly scenario?: { readonly isMap: boolean; readonly steps: readonly string[] };
}

const CATALOGUE = 'docs/behaviors.md';
const MAP_TAG = 'map';
const codePattern = /\bB-[A-Z][A-Z0-9]*-\d{3}\b/g;

function filesUnder(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => ending.test(name))
    .map(name => join(folder, name))
    .sort();
}

function catalogue(): Behaviour[] {
  const rows = readFileSync(CATALOGUE, 'utf8').matchAll(/^\| (B-[A-Z][A-Z0-9]*-\d{3}) +\| (\w*) *\| .+ \|$/gm);
  return [...rows].map(([, code = '', mark = '']) => ({ code, mark }));
}

/** A test names the codes it proves at the end of its title. */
function testsOf(file: string): Proof[] {
  const titles = readFileSync(file, 'utf8').matchAll(/\((['"`])(.*\((?:B-[A-Z][A-Z0-9]*-\d{3}[, ]*)+\))\1/g);
  return [...titles].map(([, , title = '']) => ({
    title: title.replace(/\s*\((?:B-[A-Z][A-Z0-9]*-\d{3}[, ]*)+\)/, ''),
    file,
    codes: title.match(codePattern) ?? [],
  }));
}

/** What does not hold of a behaviour, given what proves it. */
function faultsOf({ code, mark }: Behaviour, proofs: readonly Proof[]): string[] {
  const scenarios = proofs.filter(({ scenario }) => scenario);
  if (proofs.length === 0) return [`${code} has neither a scenario nor a test`];
  if (scenarios.length === 0 && mark !== 'unit') return [`${code} has a test, but no scenario and no mark "unit"`];
  if (scenarios.length > 0 && mark === 'unit') return [`${code} is marked "unit", but has a scenario`];
  if (mark === 'core' && !scenarios.some(({ scenario }) => scenario?.isMap))
    return [`${code} is marked "core", but no scenario tagged @${MAP_TAG} proves it`];
  return [];
}

function rowOf({ code, mark }: Behaviour, { title, file, scenario }: Proof): string[] {
  const proof = scenario ? title : `${title} (a test)`;
  return [code, mark, proof, `\`${file}\``, scenario?.steps.join(', ') ?? ''];
}

async function main(): Promise<void> {
  const { scenarios, faults: stepFaults } = await readScenarios();
  const tests = ['src', 'test'].flatMap(folder => filesUnder(folder, /\.(spec|contract)\.ts$/)).flatMap(testsOf);
  const proofs: Proof[] = [
    ...scenarios.map(({ title, file, tags, steps }) => ({
      title,
      file,
      codes: tags.filter(tag => tag !== MAP_TAG),
      scenario: { isMap: tags.includes(MAP_TAG), steps },
    })),
    ...tests,
  ];

  const behaviours = catalogue();
  const known = new Set(behaviours.map(({ code }) => code));
  const faults = [...stepFaults];
  for (const { title, file, codes } of proofs)
    for (const code of codes)
      if (!known.has(code)) faults.push(`${file}: "${title}" names ${code}, which ${CATALOGUE} does not have`);

  const traced = behaviours.map(behaviour => ({
    behaviour,
    proofs: proofs.filter(({ codes }) => codes.includes(behaviour.code)),
  }));
  for (const { behaviour, proofs: found } of traced) faults.push(...faultsOf(behaviour, found));

  const byTestOnly = behaviours.filter(({ mark }) => mark === 'unit').length;
  const sum =
    `${behaviours.length} behaviours, of which ${behaviours.length - byTestOnly} are proved by ${scenarios.length} scenarios ` +
    `and ${byTestOnly}, which no client can observe, by tests alone`;
  const table = markdownTable(
    ['code', 'mark', 'scenario or test', 'file', 'steps'],
    traced.flatMap(({ behaviour, proofs: found }) => found.map(proof => rowOf(behaviour, proof))),
  );
  const document = `# Traceability

Made by \`npm run traceability\` from the tags of the features and the titles of the specs; do not edit. What a code promises
stands in [behaviors.md](behaviors.md); steps are the files of \`features/steps\`, less their ending.

${sum}.

${table}
`;
  await writeOrCheck({ path: 'docs/traceability.md', script: 'traceability', generate: () => document });
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(`${sum}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

void main();
