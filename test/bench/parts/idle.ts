import { setTimeout as sleep } from 'node:timers/promises';
import { LoadConnection } from '../load-connection';
import { rssKb, startMeasuredService } from '../measured-process';
import type { Part, PartResult, Size } from '../part';
import { quantile } from '../statistics';

const STREAMS: Readonly<Record<Size, number>> = { quick: 1000, full: 5000 };
const WATCHED_MS: Readonly<Record<Size, number>> = { quick: 3000, full: 20_000 };
const AT_ONCE = 50;
const EVERY_MS = 20;

async function measure(size: Size): Promise<PartResult> {
  const count = STREAMS[size];
  const service = await startMeasuredService({
    ORCHD_FALLBACK: 'wait',
    ORCHD_ADMISSION_CAPACITY: String(count),
    ORCHD_SESSION_TIME_BUDGET_MS: '1000000000000',
    ORCHD_SESSIONS_MAX: String(2 * count),
  });
  const headers = { 'X-API-Key': service.apiKey };
  const streams: LoadConnection[] = [];
  try {
    const client = new LoadConnection(service.url);
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      const body = { prompt: 'Wait.', max_tokens: 8, deadline_ms: 86_400_000 };
      const answer = await client.ask({ method: 'POST', path: '/v2/tasks', body, headers });
      if (answer.status !== 202) throw new Error(`a task was refused: ${answer.status} ${answer.body}`);
      ids.push((JSON.parse(answer.body) as { task_id: string }).task_id);
    }
    await sleep(2000);
    const before = rssKb(service.pid);
    for (let from = 0; from < count; from += AT_ONCE) {
      await Promise.all(
        ids.slice(from, from + AT_ONCE).map(id => {
          const stream = new LoadConnection(service.url);
          streams.push(stream);
          return new Promise<void>((opened, failed) => {
            // Resolves with the first bytes of the body; the stream itself goes on until it is closed below.
            stream.ask({ method: 'GET', path: `/v2/tasks/${id}/events`, headers }, () => opened()).catch(failed);
          });
        }),
      );
    }
    await sleep(2000);
    const after = rssKb(service.pid);
    const delays: number[] = [];
    for (const untilMs = performance.now() + WATCHED_MS[size]; performance.now() < untilMs; await sleep(EVERY_MS)) {
      const fromMs = performance.now();
      await client.ask({ method: 'GET', path: '/healthz' });
      delays.push(performance.now() - fromMs);
    }
    client.close();
    const each = (after - before) / count;
    return {
      title: 'Idle streams',
      what: `${count} streams, each open on a queued task of its own, and what a \`GET /healthz\` took meanwhile, asked every ${EVERY_MS} ms.`,
      columns: ['streams', 'RSS before, MiB', 'RSS with them, MiB', 'KiB each', 'healthz p50, ms', 'p99, ms'],
      rows: [
        [
          String(count),
          (before / 1024).toFixed(0),
          (after / 1024).toFixed(0),
          each.toFixed(1),
          quantile(delays, 0.5).toFixed(2),
          quantile(delays, 0.99).toFixed(2),
        ],
      ],
      verdict: `An idle stream holds ${each.toFixed(1)} KiB; there is no goal for it but to be known.`,
    };
  } finally {
    for (const stream of streams) stream.close();
    await service.stop();
  }
}

export const idlePart: Part = { name: 'idle', run: measure };
