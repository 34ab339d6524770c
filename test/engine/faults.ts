import { abortable } from './abortable';

/**
 * The ways in which the stand-in can misbehave, on the routes that generate. `unit` says what a fault's number means:
 * - `tokens`: it strikes once that many were sent;
 * - `times`: it strikes the next that many requests (without a number: every request); `wedge`, `engine-still` and `stall-load` last until they are
 *   taken back;
 * - `bytes`, `ms`: a size, a time.
 * `fallback` is the number where none is given; undefined: one has to be given.
 */
export const faultTable = {
  'kill-after': { unit: 'tokens', fallback: undefined, help: 'close the connection after N tokens' },
  'exit-after': { unit: 'tokens', fallback: undefined, help: 'the whole process dies after N tokens' },
  'stall-after': { unit: 'tokens', fallback: undefined, help: 'fall silent after N tokens, the connection stays open' },
  'stall-prefill': { unit: 'times', fallback: Infinity, help: 'take a slot and never begin' },
  'stall-load': { unit: 'times', fallback: Infinity, help: 'with --router: never be done with loading a model' },
  wedge: { unit: 'times', fallback: Infinity, help: 'answer nobody, send nothing, notice nothing; connections stay' },
  reset: { unit: 'times', fallback: Infinity, help: 'reset the connection before any byte' },
  html: { unit: 'times', fallback: Infinity, help: 'answer 200 with a web page' },
  '503': { unit: 'times', fallback: Infinity, help: 'answer 503' },
  '429': { unit: 'times', fallback: Infinity, help: 'answer 429' },
  '400': { unit: 'times', fallback: Infinity, help: 'answer 400' },
  'context-500': {
    unit: 'times',
    fallback: Infinity,
    help: 'answer 500 to a prompt that is too long, with the type of error that says so',
  },
  'error-after': { unit: 'tokens', fallback: 0, help: 'fail after N tokens: an error in the stream that has begun' },
  'error-field': {
    unit: 'tokens',
    fallback: 0,
    help: 'the same, as an SSE field `error`, as llama.cpp did before autumn 2025',
  },
  eof: { unit: 'tokens', fallback: Infinity, help: 'end the body cleanly after N tokens, without the final frame' },
  garbage: { unit: 'tokens', fallback: 0, help: 'send a frame of broken JSON after N tokens' },
  'huge-line': { unit: 'bytes', fallback: undefined, help: 'send one line of that many bytes first' },
  'split-utf8': { unit: 'times', fallback: Infinity, help: 'cut chunks within a character of several bytes' },
  'engine-still': {
    unit: 'times',
    fallback: Infinity,
    help: 'the engine behind the API stands still: its health answers, nothing is generated',
  },
  'engine-dead': { unit: 'times', fallback: Infinity, help: 'the engine behind the API is dead: each request fails' },
  'slow-headers': { unit: 'ms', fallback: undefined, help: 'hold the response headers back that long' },
} as const;

export type FaultName = keyof typeof faultTable;
/** What is switched on, each with its number. */
export type FaultSettings = Readonly<Partial<Record<FaultName, number>>>;

export const faultNames = Object.keys(faultTable) as FaultName[];

/** Reads `NAME` or `NAME=NUMBER`. Throws an Error that says what is allowed. */
export function parseFault(text: string): FaultSettings {
  const [name = '', number] = text.split('=', 2);
  return checkedFault(name, number === undefined ? true : Number(number || NaN));
}

/** Reads `{"kill-after": 20, "html": true}`. Throws an Error that says what is allowed. */
export function readFaults(value: unknown): FaultSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('faults must be an object');
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, number]) => checkedFault(name, number)),
  ) as FaultSettings;
}

function checkedFault(name: string, number: unknown): FaultSettings {
  const known = faultNames.find(candidate => candidate === name);
  if (!known) throw new Error(`unknown fault "${name}"; known: ${faultNames.join(', ')}`);
  if (number === false) return {};
  const { fallback, unit } = faultTable[known];
  const value = number === true ? fallback : number;
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw new Error(`fault "${known}" needs a number of ${unit}, 0 or more`);
  }
  return { [known]: value };
}

const deaf = new AbortController().signal;

/** The faults that are switched on now. */
export class FaultBoard {
  private waiters: { readonly name: FaultName; readonly resolve: () => void }[] = [];

  constructor(private current: FaultSettings) {}

  /** The faults as they stand; a running generation keeps those it began with, apart from a stall's end. */
  get settings(): FaultSettings {
    return this.current;
  }

  /** Replaces all of them. What stalled for a fault that is no longer on goes on. */
  replace(faults: FaultSettings): void {
    this.current = faults;
    const freed = this.waiters.filter(({ name }) => !(name in faults));
    this.waiters = this.waiters.filter(({ name }) => name in faults);
    for (const { resolve } of freed) resolve();
  }

  /** Whether a fault counted in `times` strikes this request; it is used up by asking. */
  strikes(name: FaultName): boolean {
    const left = this.current[name] ?? 0;
    if (left < 1) return false;
    // Kept at 0 rather than removed, so that what it stalled stays so until the fault is taken back.
    this.current = { ...this.current, [name]: left - 1 };
    return true;
  }

  /** Resolves once the engine is not wedged; it hears of nothing before that, of a client that goes neither. */
  async unwedged(): Promise<void> {
    if ('wedge' in this.current) await this.switchedOff('wedge', deaf);
  }

  isOn(name: FaultName): boolean {
    return (this.current[name] ?? 0) > 0;
  }

  /** Resolves once the fault is switched off, at once where it is; rejects with the signal's reason. */
  switchedOff(name: FaultName, signal: AbortSignal): Promise<void> {
    if (!(name in this.current)) return Promise.resolve();
    return abortable<void>(signal, resolve => {
      const waiter = { name, resolve };
      this.waiters.push(waiter);
      return () => {
        this.waiters = this.waiters.filter(other => other !== waiter);
      };
    });
  }
}
