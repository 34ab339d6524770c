import { parseArgs } from 'node:util';
import { startEngine } from '../engine/engine';
import { startService } from '../support/service';
import { TaskClient, tokenIndexes, upTo } from '../support/task-client';

/**
 * Compares the time between the tokens of running streams on a disk as it is with one whose sync takes 200 ms longer, while
 * tasks are submitted all the time.
 *
 * Usage: node -r ./tools/sources.cjs test/crash/slow-disk.ts [--sync-ms 200] [--program dist/main.js]
 */

const { values } = parseArgs({
  options: { 'sync-ms': { type: 'string', default: '200' }, program: { type: 'string', default: 'dist/main.js' } },
});

const STREAMS = 16;
const TOKENS = 250;
const TOKENS_PER_SECOND = 50;
const SUBMITTING_CLIENTS = 4;

interface Figures {
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  readonly admissions: number;
  readonly admissionP50Ms: number;
}

async function main(): Promise<void> {
  const syncMs = Number(values['sync-ms']);
  const asItIs = await measure({});
  const slow = await measure({ JOURNAL_FAILPOINT: `slow-sync=${syncMs}` });
  const line = (what: string, a: string, b: string): void =>
    console.log(`${what.padEnd(36)} ${a.padStart(10)} ${b.padStart(14)}`);
  line(`${STREAMS} streams, ${1000 / TOKENS_PER_SECOND} ms a token`, 'as it is', `+${syncMs} ms a sync`);
  line('time between tokens, p50, ms', asItIs.gapP50Ms.toFixed(1), slow.gapP50Ms.toFixed(1));
  line('time between tokens, p99, ms', asItIs.gapP99Ms.toFixed(1), slow.gapP99Ms.toFixed(1));
  line('time between tokens, longest, ms', asItIs.gapMaxMs.toFixed(1), slow.gapMaxMs.toFixed(1));
  line('admissions meanwhile', String(asItIs.admissions), String(slow.admissions));
  line('admission, p50, ms', asItIs.admissionP50Ms.toFixed(1), slow.admissionP50Ms.toFixed(1));
  // A stream that waited for a single sync would show it.
  if (slow.gapMaxMs >= syncMs) process.exitCode = 1;
}

async function measure(env: Record<string, string>): Promise<Figures> {
  const engine = await startEngine({ slots: STREAMS, tokensPerSecond: TOKENS_PER_SECOND });
  const service = await startService({
    program: values.program,
    env: {
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_ADMISSION_CAPACITY: '100000',
      ORCHD_PROBE_INTERVAL_MS: '100',
      ORCHD_LOG_LEVEL: 'info',
      ...env,
    },
  });
  try {
    const client = new TaskClient(service);
    await client.slotsFree(STREAMS);
    const tasks = await Promise.all(upTo(STREAMS).map(() => client.submit({ max_tokens: TOKENS })));
    const readings = tasks.map(taskId => client.read(taskId, { deadlineMs: 60_000 }));
    await engine.until(({ tokens }) => tokens > STREAMS * 5, 30_000);
    let streaming = true;
    const admissionsMs: number[] = [];
    const submitting = upTo(SUBMITTING_CLIENTS).map(async () => {
      while (streaming) {
        const startMs = performance.now();
        await client.submit({ priority: 'batch', deadline_ms: 3_600_000 });
        admissionsMs.push(performance.now() - startMs);
      }
    });
    const gapsMs: number[] = [];
    for (const { events } of await Promise.all(readings)) {
      if (tokenIndexes(events).length !== TOKENS) throw new Error(`a stream has ${tokenIndexes(events).length} tokens`);
      const times = events.filter(({ type }) => type === 'token').map(({ receivedMs }) => receivedMs);
      // Without the beginning: what came while the first token's mark was being written comes at once.
      for (let i = 20; i < times.length; i++) gapsMs.push((times[i] as number) - (times[i - 1] as number));
    }
    streaming = false;
    await Promise.all(submitting);
    return {
      gapP50Ms: quantile(gapsMs, 0.5),
      gapP99Ms: quantile(gapsMs, 0.99),
      gapMaxMs: Math.max(...gapsMs),
      admissions: admissionsMs.length,
      admissionP50Ms: quantile(admissionsMs, 0.5),
    };
  } finally {
    await service.stop('SIGKILL');
    await engine.stop();
  }
}

function quantile(numbers: readonly number[], share: number): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * share)] as number;
}

void main();
