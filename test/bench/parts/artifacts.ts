import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { middle } from '../alternately';
import { shown, times } from '../figures';
import type { WriteTimes } from '../inside/artifact-writes';
import { runInside } from '../inside/report-back';
import type { Part } from '../part';

/** What a stored transcript costs, against the bare writes and syncs that make a file durable. */
export const artifacts: Part = {
  name: 'artifacts',
  title: 'Artifacts: the cost of a transcript',
  async run({ folder, runs, size, say }) {
    const own = mkdtempSync(join(folder, 'artifacts-'));
    const results = await runInside<{ store: WriteTimes[]; plain: WriteTimes[] }>('artifact-writes.ts', [
      own,
      runs,
      size(1000, 200),
    ]);
    const floorUs = cpuOf(results.plain);
    const row = (name: string, writes: readonly WriteTimes[]): string[] => [
      name,
      shown(cpuOf(writes)),
      times(cpuOf(writes), floorUs),
      shown(middle(writes, ({ perSecond }) => perSecond)),
    ];
    say(`${shown(cpuOf(results.store))} µs a transcript`);
    return {
      method: [
        'The store by itself: a transcript of 300 tokens put together from its events, hashed, written under its hash and durable, ' +
          '16 at a time. The floor writes the same bytes to a temporary file: `open`, `write`, `fsync`, `rename`, `fsync` of the folder ' +
          "(shared among writers, by the store's own means).",
      ],
      tables: [
        {
          caption: 'Of the process',
          head: ['', 'CPU µs each', 'to the floor', 'writes/s'],
          rows: [row('transcript stored', results.store), row('plain durable write', results.plain)],
        },
      ],
      goals: [],
    };
  },
};

function cpuOf(runs: readonly WriteTimes[]): number {
  return middle(runs, ({ cpuUs }) => cpuUs);
}
