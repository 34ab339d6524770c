import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settings, type Setting } from './config/settings';

/** What is printed instead of starting. */
export interface Answer {
  readonly exitCode: 0 | 2;
  readonly text: string;
}

/** Undefined where the service is to be started. */
export function answerTo(args: readonly string[]): Answer | undefined {
  const unknown = args.find(arg => !HELP.includes(arg) && !VERSION.includes(arg));
  if (unknown !== undefined) return { exitCode: 2, text: refusalOf(unknown) };
  if (args.some(arg => HELP.includes(arg))) return { exitCode: 0, text: help() };
  return args.length > 0 ? { exitCode: 0, text: `${versionLine()}\n` } : undefined;
}

const HELP = ['--help', '-h'];
const VERSION = ['--version', '-V'];
const SHOWN_CHARACTERS = 100;
/** Columns of a terminal that the lines are broken for. */
const WIDTH = 100;
const INDENT = '      ';

function refusalOf(arg: string): string {
  const shown = JSON.stringify(arg.length > SHOWN_CHARACTERS ? `${arg.slice(0, SHOWN_CHARACTERS)}…` : arg);
  return `Unknown argument ${shown}: allowed are --help and --version. Settings come from the environment, see --help.\n`;
}

function versionLine(): string {
  const { name, version } = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  return `${name} ${version}`;
}

function help(): string {
  const entries = Object.values<Setting<unknown>>(settings).map(describe);
  return `${versionLine()}
Admits, queues, places and streams LLM tasks between programs and self-hosted engines.

Usage: node dist/main.js, or npm start
  -h, --help     this text
  -V, --version  the version

SIGTERM or SIGINT stops it in order, a second one at once.
Exit codes: 0 stopped, 1 a fault or a wrong setting, 2 a wrong argument.

Settings, from the environment:

${entries.join('\n')}`;
}

function describe({ env, parser, fallback, help: text }: Setting<unknown>): string {
  const unset = fallback === undefined || fallback === '';
  const facts = [text, `Allowed: ${parser.allowed}.`, `Default: ${unset ? 'none' : fallback}.`];
  return `  ${env}\n${facts.map(fact => wrapped(fact)).join('')}`;
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && INDENT.length + last.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(line => `${INDENT}${line}\n`).join('');
}
