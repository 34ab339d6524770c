import { transformFileSync } from '@swc/core';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { Part } from '../part';
import { rssKibOf } from '../process-usage';
import { Program } from '../program';
import { startService } from '../service';
import { root } from '../work-folder';

interface Run {
  readonly startMs: number;
  readonly rssMib: number;
}

/** What floors/nest.ts consists of. */
const NEST_FILES = ['nest', 'nest-server', 'passing', 'constant-admission', 'announce'];

/** From the start of the process to the line that says it listens, and its memory then. */
export const start: Part = {
  name: 'start',
  title: 'Start: time to ready, and memory',
  async run(bench) {
    const bare = compiledNest(bench.folder);
    const run = (begin: () => Promise<Program>) => async (): Promise<Run> => {
      const program = await begin();
      const rssMib = rssKibOf(program.pid) / 1024;
      await program.stop('SIGKILL');
      return { startMs: program.startMs, rssMib };
    };
    const results = await alternately(bench.runs, {
      service: run(() => startService(bench.folder)),
      nest: run(() => Program.start({ program: bare, folder: bench.folder })),
    });
    const [floorMs, floorMib] = [msOf(results.nest), mibOf(results.nest)];
    const row = (name: string, runs: readonly Run[]): string[] => [
      name,
      shown(msOf(runs)),
      times(msOf(runs), floorMs),
      shown(mibOf(runs)),
      times(mibOf(runs), floorMib),
    ];
    bench.say(`service: ${shown(msOf(results.service))} ms`);
    return {
      method: [
        '`npm start`, once it is built, with a fresh data folder until it has recovered and says that it listens (looked for every 2 ms), against a ' +
          'compiled Nest application on Fastify with one route.',
      ],
      tables: [
        {
          caption: 'At ready',
          head: ['', 'ms to ready', 'to bare Nest', 'RSS MiB', 'to bare Nest'],
          rows: [row('orchestratord', results.service), row('bare Nest on Fastify', results.nest)],
        },
      ],
      goals: [],
    };
  },
};

/** Compiled as the service is, or its start would be that of a compiler. */
function compiledNest(folder: string): string {
  const target = mkdtempSync(join(folder, 'nest-'));
  for (const name of NEST_FILES) {
    const source = join(root, 'test/bench/floors', `${name}.ts`);
    const { code } = transformFileSync(source, { configFile: join(root, '.swcrc'), sourceMaps: false });
    writeFileSync(join(target, `${name}.js`), code);
  }
  return join(target, 'nest.js');
}

function msOf(runs: readonly Run[]): number {
  return middle(runs, ({ startMs }) => startMs);
}

function mibOf(runs: readonly Run[]): number {
  return middle(runs, ({ rssMib }) => rssMib);
}
