import { setTimeout as pause } from 'node:timers/promises';
import { shown } from '../figures';
import type { Part } from '../part';
import { rssKibOf } from '../process-usage';
import { startRelays, stopRelays } from '../relays';
import { API_KEY } from '../service';

const CLIENTS = 64;
const TOKENS = 32;
const TASKS = 200_000;
const GOAL_MIB = 400;
const SAMPLE_MS = 500;
const STEPS = 8;

/** What is kept of tasks that have ended, by what the process takes: minutes, so it runs where it is named. */
export const memory: Part = {
  name: 'memory',
  title: 'Memory: after many tasks',
  async run(bench) {
    const tasks = bench.size(TASKS, TASKS / 8);
    const relays = await startRelays(bench.folder, 0);
    const over = new AbortController();
    let mostKib = 0;
    try {
      const { target, pid } = relays.service;
      const watch = async (): Promise<void> => {
        while (!over.signal.aborted) {
          mostKib = Math.max(mostKib, rssKibOf(pid));
          await pause(SAMPLE_MS, undefined, { signal: over.signal }).catch(() => undefined);
        }
      };
      const watching = watch();
      const rows: string[][] = [[shown(0), shown(rssKibOf(pid) / 1024), '']];
      const load = {
        kind: 'relay',
        target,
        apiKey: API_KEY,
        streams: CLIENTS,
        tokens: TOKENS,
        startOverMs: 0,
      } as const;
      for (let done = 0; done < tasks; done += tasks / STEPS) {
        const { tookMs } = await bench.load.run({ ...load, tasks: tasks / STEPS, sessionEach: true });
        rows.push([shown(done + tasks / STEPS), shown(rssKibOf(pid) / 1024), shown((tasks / STEPS / tookMs) * 1000)]);
        bench.say(`${rows.at(-1)?.[0]} tasks: ${rows.at(-1)?.[1]} MiB`);
      }
      over.abort();
      await watching;
      return {
        method: [
          `Tasks of ${TOKENS} tokens, each with a session of its own, from ${CLIENTS} clients as fast as they are answered; all settings are defaults but for ` +
            'the room in the queue. Nothing is collected by hand.',
        ],
        tables: [{ caption: 'RSS of the service', head: ['tasks', 'MiB', 'tasks a second'], rows }],
        goals: [
          { what: `Memory: most RSS within ${shown(tasks)} tasks`, got: mostKib / 1024, atMost: GOAL_MIB, unit: 'MiB' },
        ],
      };
    } finally {
      over.abort();
      await stopRelays(relays);
    }
  },
};
