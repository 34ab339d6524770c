import { latencyOf } from '../figures';
import { Connection } from './connection';
import { exchange } from './exchange';
import type { AdmissionJob, AdmissionResult } from './job';
import { admissionRequest, WAITING_DEADLINE_MS } from './requests';

const TOKENS = 256;

let runs = 0;

/** Rejects at the first answer that is not 202. */
export async function admissionLoad({
  port,
  apiKey,
  clients,
  forMs,
  tokens = TOKENS,
}: AdmissionJob): Promise<AdmissionResult> {
  const run = `a${process.pid}-${++runs}`;
  const timesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + forMs;
  let submitted = 0;

  const client = async (): Promise<void> => {
    const connection = new Connection(port);
    try {
      for (let sentMs = performance.now(); sentMs < endMs; sentMs = performance.now()) {
        const taskId = `${run}-${++submitted}`;
        const request = admissionRequest(apiKey, taskId, `s-${taskId}`, tokens, WAITING_DEADLINE_MS);
        const { status, text } = await exchange(connection, request);
        if (status !== 202) throw new Error(`an admission was answered ${status} ${text}`);
        timesMs.push(performance.now() - sentMs);
      }
    } finally {
      connection.close();
    }
  };

  await Promise.all(Array.from({ length: clients }, client));
  return { admissions: timesMs.length, tookMs: performance.now() - startMs, latency: latencyOf(timesMs) };
}
