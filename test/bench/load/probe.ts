import { setTimeout as pause } from 'node:timers/promises';
import { latencyOf, type Latency } from '../figures';
import { Connection } from './connection';
import { exchange } from './exchange';
import type { ProbeJob } from './job';
import { getRequest } from './requests';

/** How long an answer takes, asked for at regular times over one connection. */
export async function probe({ port, path, everyMs, forMs }: ProbeJob): Promise<Latency> {
  const connection = new Connection(port);
  const timesMs: number[] = [];
  const endMs = performance.now() + forMs;
  for (let startMs = performance.now(); startMs < endMs; startMs = performance.now()) {
    const { status } = await exchange(connection, getRequest(path));
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    timesMs.push(performance.now() - startMs);
    await pause(everyMs);
  }
  connection.close();
  return latencyOf(timesMs);
}
