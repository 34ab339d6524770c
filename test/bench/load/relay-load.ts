import { setTimeout as pause } from 'node:timers/promises';
import { latencyOf } from '../figures';
import type { RelayJob, RelayResult } from './job';
import { StreamClient } from './stream-client';

let runs = 0;

/** Rejects at the first stream that is not whole. */
export async function relayLoad(job: RelayJob): Promise<RelayResult> {
  const { target, apiKey, streams, tasks, tokens, startOverMs, sessionEach = false } = job;
  const run = `r${process.pid}-${++runs}`;
  const firstTokensMs: number[] = [];
  let [issued, seen] = [0, 0];

  const client = async (number: number): Promise<void> => {
    await pause((startOverMs * number) / streams);
    const reader = new StreamClient(target, apiKey, `${run}-${number}`, sessionEach);
    try {
      while (issued < tasks) {
        issued++;
        const stream = await reader.read(tokens);
        firstTokensMs.push(stream.firstTokenMs);
        seen += stream.tokens;
      }
    } finally {
      reader.close();
    }
  };

  const startMs = performance.now();
  await Promise.all(Array.from({ length: streams }, (_, number) => client(number)));
  return { tasks, tokens: seen, tookMs: performance.now() - startMs, firstToken: latencyOf(firstTokensMs) };
}
