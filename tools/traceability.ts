import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOrCheck } from './generated-file';

/*
 * Which scenario proves which behaviour: docs/traceability.md, from the tags of the features, the codes in the titles of
 * specs, and the catalogue. Fails for a code that nothing proves and for a tag that the catalogue does not have.
 */

interface Proof {
  readonly title: string;
  readonly file: string;
}

const codePattern = /\bB-[A-Z]+-\d{3}\b/g;

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(ending))
    .map(name => join(folder, name))
    .sort();
}

function catalogue(): Map<string, string> {
  const rows = readFileSync('docs/behaviors.md', 'utf8').matchAll(/^\| (B-[A-Z]+-\d{3}) \| (.+) \|$/gm);
  return new Map([...rows].map(([, code = '', promise = '']) => [code, promise]));
}

/** Tags stand on the lines before a scenario; those before `Feature:` hold for all of its scenarios. */
function scenariosOf(file: string): { proof: Proof; codes: string[] }[] {
  const found: { proof: Proof; codes: string[] }[] = [];
  let tags: string[] = [];
  let featureTags: string[] = [];
  for (const line of readFileSync(file, 'utf8')
    .split('\n')
    .map(text => text.trim())) {
    if (line.startsWith('@')) tags.push(...(line.match(codePattern) ?? []));
    else if (line.startsWith('Feature:')) [featureTags, tags] = [tags, []];
    else if (/^Scenario( Outline)?:/.test(line)) {
      found.push({ proof: { title: line.replace(/^[^:]+:\s*/, ''), file }, codes: [...featureTags, ...tags] });
      tags = [];
    }
  }
  return found;
}

/** A test names the codes it proves at the end of its title. */
function testsOf(file: string): { proof: Proof; codes: string[] }[] {
  const titles = readFileSync(file, 'utf8').matchAll(/\((['"`])(.*\((?:B-[A-Z]+-\d{3}[, ]*)+\))\1/g);
  return [...titles].map(([, , title = '']) => ({
    proof: { title: title.replace(/\s*\((?:B-[A-Z]+-\d{3}[, ]*)+\)/, ''), file },
    codes: title.match(codePattern) ?? [],
  }));
}

const promises = catalogue();
const proofs = new Map<string, Proof[]>();
const faults: string[] = [];
const all = [
  ...filesUnder('features', '.feature').flatMap(scenariosOf),
  ...[
    ...filesUnder('src', '.spec.ts'),
    ...filesUnder('test', '.spec.ts'),
    ...filesUnder('test', '.contract.ts'),
  ].flatMap(testsOf),
];
for (const { proof, codes } of all) {
  for (const code of codes) {
    if (!promises.has(code))
      faults.push(`${proof.file}: "${proof.title}" names ${code}, which docs/behaviors.md does not have`);
    else proofs.set(code, [...(proofs.get(code) ?? []), proof]);
  }
}
for (const code of promises.keys()) if (!proofs.has(code)) faults.push(`${code} has neither a scenario nor a test`);

const steps = filesUnder('features/steps', '.ts');
const rows = [...promises].map(([code, promise]) => {
  const shown = (proofs.get(code) ?? []).map(({ title, file }) => `${title} (\`${file}\`)`);
  return `| ${code} | ${promise} | ${shown.join('<br>')} |`;
});
const scenarios = filesUnder('features', '.feature').flatMap(scenariosOf).length;
const document = `# Traceability

Made by \`npm run traceability\` from the tags of the features and the titles of the specs; do not edit.

${promises.size} behaviours, ${proofs.size} traced, ${scenarios} scenarios. Steps: ${steps.map(file => `\`${file}\``).join(', ')}.

| code | behaviour | proved by |
| --- | --- | --- |
${rows.join('\n')}
`;

async function main(): Promise<void> {
  await writeOrCheck({ path: 'docs/traceability.md', script: 'traceability', generate: () => document });
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.stdout.write(`${proofs.size} of ${promises.size} behaviours traced over ${scenarios} scenarios\n`);
  if (faults.length > 0) process.exitCode = 1;
}

void main();
