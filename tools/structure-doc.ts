import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { preProcessFile } from 'typescript';
import { markdownTable, replaceBetween, type GeneratedFile } from './generated-file';
import rooms from './rooms.json';

const begin = '<!-- rooms:begin -->';
const end = '<!-- rooms:end -->';
const source = resolve(__dirname, '../src');

/** The folders of src/, each with those that its files import; specs do not count. */
function folders(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.spec.ts')) continue;
    const name = dirname(path);
    const imports = found.get(name) ?? new Set();
    found.set(name, imports);
    for (const imported of importsOf(join(source, path))) if (imported !== name) imports.add(imported);
  }
  return found;
}

/** Folders of relative imports, those of types among them; package.json stands in none. */
function importsOf(file: string): readonly string[] {
  const { importedFiles } = preProcessFile(readFileSync(file, 'utf8'));
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(source, dirname(resolve(dirname(file), fileName))) || '.')
    .filter(folder => folder !== '..');
}

/** In the order of tools/rooms.json, which is the order of the imports. */
function table(): string {
  const found = folders();
  const named = rooms.map(({ folder }) => folder);
  const rows = rooms.map(({ folder, purpose }) => {
    const sorted = [...(found.get(folder) ?? [])].sort((a, b) => named.indexOf(a) - named.indexOf(b));
    return [`\`${folder}\``, purpose, sorted.map(name => `\`${name}\``).join(' ')];
  });
  return markdownTable(['Folder', 'What it is for', 'Imports'], rows);
}

/** The document names files of src/ by hand too: they must be there. */
function checked(text: string): string {
  const named = [...text.matchAll(/`([a-z0-9/.-]+\.ts)`/g)].map(([, path = '']) => path);
  const missing = named.filter(path => !existsSync(join(source, path)));
  if (missing.length > 0) throw new Error(`docs/structure.md names files that are not in src/: ${missing.join(', ')}`);
  return text;
}

/** The table of folders in docs/structure.md. */
export const structureDoc: GeneratedFile = {
  path: 'docs/structure.md',
  script: 'docs',
  generate: text => replaceBetween(checked(text), begin, end, table()),
};
