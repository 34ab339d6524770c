import { parseArgs } from 'node:util';

export interface Options {
  /** Names of parts; all of the normal run where none is named. */
  readonly names: readonly string[];
  readonly quick: boolean;
  /** Into docs/benchmarks.md; a full run does so by itself. */
  readonly write: boolean;
  /** Minutes of the soak; undefined where there is to be none. */
  readonly soakMinutes: number | undefined;
}

const SOAK_MINUTES = 10;
/** A whole working day is enough for anything that grows to show. */
const MOST_SOAK_MINUTES = 480;

export const usage = `npm run bench -- [part…] [--quick] [--write] [--soak[=minutes]]

  part       one or more of the parts; without any, all of them (memory only where it is named, the soak only with --soak)
  --quick    fewer and smaller runs, under two minutes; prints, and writes only with --write
  --write    writes docs/benchmarks.md (a full run does so anyway)
  --soak     the soak beside the parts that are named, ${SOAK_MINUTES} minutes unless told`;

/** Throws where there is something in them that is not an option. */
export function readOptions(args: readonly string[]): Options {
  // parseArgs knows no option with an optional value.
  const whole = args.map(arg => (arg === '--soak' ? `--soak=${SOAK_MINUTES}` : arg));
  const { values, positionals } = parseArgs({
    args: whole,
    allowPositionals: true,
    options: { quick: { type: 'boolean' }, write: { type: 'boolean' }, soak: { type: 'string' } },
  });
  const { quick = false, soak } = values;
  const soakMinutes = soak === undefined ? undefined : Number(soak);
  if (soakMinutes !== undefined && !(soakMinutes > 0 && soakMinutes <= MOST_SOAK_MINUTES)) {
    throw new Error(`--soak takes minutes, more than 0 and at most ${MOST_SOAK_MINUTES}`);
  }
  return { names: positionals, quick, write: values.write ?? !quick, soakMinutes };
}
