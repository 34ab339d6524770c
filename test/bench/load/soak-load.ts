import { setTimeout as pause } from 'node:timers/promises';
import type { SoakJob, SoakResult } from './job';
import { StreamClient } from './stream-client';

const TICK_MS = 10;
/** Streams at a time; what is due beyond that waits, as it would for clients with a bounded number of connections. */
const MAX_STREAMS = 256;
const FAULTS_KEPT = 10;

/** Never rejects for a stream: what became of each is what a soak is to find out. */
export async function soakLoad({ target, apiKey, perSecond, forMs, tokens }: SoakJob): Promise<SoakResult> {
  const idle: StreamClient[] = [];
  const firstFaults: string[] = [];
  let [clients, started, running, faults] = [0, 0, 0, 0];

  const run = async (): Promise<void> => {
    const client = idle.shift() ?? new StreamClient(target, apiKey, `k${process.pid}-${++clients}`);
    running++;
    try {
      await client.read(tokens);
    } catch (cause) {
      faults++;
      if (firstFaults.length < FAULTS_KEPT) firstFaults.push((cause as Error).message);
    } finally {
      running--;
      idle.push(client);
    }
  };

  const startMs = performance.now();
  for (let passedMs = 0; passedMs < forMs; passedMs = performance.now() - startMs) {
    const due = Math.floor((passedMs * perSecond) / 1000);
    for (; started < due && running < MAX_STREAMS; started++) void run();
    await pause(TICK_MS);
  }
  while (running > 0) await pause(TICK_MS);
  for (const client of idle) client.close();
  return { tasks: started, faults, firstFaults };
}
