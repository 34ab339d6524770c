import { name, version } from '../package.json';
import { settings, type Setting } from './config/settings';

/** What is printed instead of starting. */
export interface Answer {
  readonly exitCode: 0 | 2;
  readonly text: string;
}

/** A move of everything that a service has kept, from a data folder or a store to another. */
export interface MoveAsked {
  readonly from: string;
  readonly to: string;
}

/** Undefined where something else is asked. */
export function moveAsked(args: readonly string[]): MoveAsked | Answer | undefined {
  const [word, ...rest] = args;
  if (word !== 'move') return undefined;
  if (rest.some(arg => HELP.includes(arg))) return { exitCode: 0, text: MOVE_HELP };
  const given = new Map<string, string>();
  for (let at = 0; at < rest.length; at += 2) {
    const [name = '', value] = [rest[at], rest[at + 1]];
    const isKnown = (name === '--from' || name === '--to') && !given.has(name);
    if (!isKnown || value === undefined || value === '')
      return {
        exitCode: 2,
        text: `${shown(name)} is wrong here: allowed are --from and --to, each once and with a value.\n${MOVE_HELP}`,
      };
    given.set(name, value);
  }
  const [from, to] = [given.get('--from'), given.get('--to')];
  if (from === undefined || to === undefined)
    return { exitCode: 2, text: `A move needs both --from and --to.\n${MOVE_HELP}` };
  return { from, to };
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

const MOVE_HELP = `
Moves what a service has kept: queued and ended tasks, sessions and budgets, transcripts and documents, the
catalogue, responses, conversations, files with what they hold, batches, registered replicas, drains.

Usage: node dist/main.js move --from <place> --to <place>
  A place is a data folder (.runtime/data), or a store (redis://host:6379, and what else ORCHD_STORE takes).
  Its other settings are those of the service: ORCHD_STORE_DEPLOYMENT, ORCHD_STORE_PASSWORD_FILE, ORCHD_ARTIFACTS_MAX_BYTES…

No service may run on either place, and the second has to be empty. The first stays as it is. What has arrived is read
back and compared. A move that is killed half way is simply done again; until then no service starts on the second place.
Exit codes: 0 moved, 1 nothing moved, 2 a wrong argument.
`;

function shown(arg: string): string {
  return JSON.stringify(arg.length > SHOWN_CHARACTERS ? `${arg.slice(0, SHOWN_CHARACTERS)}…` : arg);
}

function refusalOf(arg: string): string {
  return `Unknown argument ${shown(arg)}: allowed are --help and --version. Settings come from the environment, see --help.\n`;
}

function versionLine(): string {
  return `${name} ${version}`;
}

function help(): string {
  const entries = Object.values<Setting<unknown>>(settings).map(describe);
  return `${versionLine()}
Admits, queues, places and streams LLM tasks between programs and self-hosted engines.

Usage: node dist/main.js, or npm start
  -h, --help     this text
  -V, --version  the version

       node dist/main.js move --from <place> --to <place>
  moves what a service has kept between a data folder and a store, see move --help

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
