import { readFileSync, statSync } from 'node:fs';
import { idPattern, path, type Parser } from './parsers';

/** One of the models that an alias stands for, in any pool or in one. */
export interface AliasTarget {
  readonly model: string;
  readonly poolId?: string;
}

/** Names that clients ask for, each with the models that it stands for: the first that is served is used. */
export type AliasChains = ReadonlyMap<string, readonly AliasTarget[]>;

const ALIASES_MAX = 1000;
const CHAIN_MAX = 16;
const NAME_MAX_CHARS = 256;
const TEXT_MAX_BYTES = 1024 * 1024;

const allowed = '{"alias": ["model", "model@pool"], …}, or the path of such a file';

/** The object itself, or the path of a file that has it: the file is read once, at start. */
export const aliasChains: Parser<AliasChains> = {
  allowed,
  parse: text => {
    const json = text.trimStart().startsWith('{') ? text : contentsOf(path.parse(text));
    const value = objectIn(json);
    const entries = Object.entries(value);
    if (json.length > TEXT_MAX_BYTES || entries.length > ALIASES_MAX) throw fault(`at most ${ALIASES_MAX} names`);
    const chains = new Map(entries.map(([alias, chain]) => [nameOf(alias, alias), chainOf(alias, chain)]));
    for (const [alias, chain] of chains)
      for (const { model } of chain)
        // Which of the two is meant could only be guessed; a name that stands for the model of that name is one thing.
        if (model !== alias && chains.has(model))
          throw fault(`models, but ${quoted(alias)} names ${quoted(model)}, which is an alias itself`);
    return chains;
  },
};

function contentsOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= TEXT_MAX_BYTES) return readFileSync(file, 'utf8');
  } catch (cause) {
    throw fault(`a file that can be read, which it cannot (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  throw fault(`a file of at most ${TEXT_MAX_BYTES} bytes`);
}

function objectIn(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw fault('JSON, which it is not');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault('an object');
  return value as Readonly<Record<string, unknown>>;
}

function chainOf(alias: string, chain: unknown): readonly AliasTarget[] {
  const members: readonly unknown[] = Array.isArray(chain) ? chain : [chain];
  if (members.length === 0 || members.length > CHAIN_MAX)
    throw fault(`1 to ${CHAIN_MAX} models, but ${quoted(alias)} has ${members.length}`);
  return members.map(member => targetOf(nameOf(member, alias)));
}

/** What comes after the last `@` is a pool where it can be one: there are names of models with an `@` in front. */
function targetOf(text: string): AliasTarget {
  const at = text.lastIndexOf('@');
  const poolId = text.slice(at + 1);
  return at > 0 && idPattern.test(poolId) ? { model: text.slice(0, at), poolId } : { model: text };
}

function nameOf(name: unknown, alias: string): string {
  if (typeof name !== 'string' || !NAME.test(name))
    throw fault(
      `names of 1 to ${NAME_MAX_CHARS} characters without control characters, but one at ${quoted(alias)} is not`,
    );
  return name;
}

const NAME = new RegExp(`^[^\\x00-\\x1f\\x7f]{1,${NAME_MAX_CHARS}}$`, 'u');

function quoted(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}

/** The message follows on "expected". */
function fault(but: string): Error {
  return new Error(`${allowed}; there must be ${but}`);
}
