import { LoadConnection } from '../load-connection';
import { startMeasuredService, startProgram } from '../measured-process';
import { verdictOf, type Part, type PartResult, type Size } from '../part';
import { cpuPerUnit, ROUNDS } from '../rounds';
import { median, quantile } from '../statistics';

/** Long enough that no task expires or is refused because of those before it. */
const NEVER_MS = 30 * 86_400_000;
const GOAL = 1.5;
/** The contender that the goal is set against. */
const FLOOR = 'Nest, one guard, one interceptor';

interface AdmissionLoad {
  readonly clients: number;
  readonly requests: number;
}

interface AdmissionFigures {
  readonly perSecond: number;
  readonly latencyMs: readonly number[];
}

/**
 * Submits tasks from so many clients, each as soon as its last was answered.
 * @throws Error for anything but 202
 */
async function submitAll(url: string, apiKey: string, { clients, requests }: AdmissionLoad): Promise<AdmissionFigures> {
  let left = requests;
  const latencyMs: number[] = [];
  const submit = async (): Promise<void> => {
    const connection = new LoadConnection(url);
    try {
      while (left-- > 0) {
        const body = {
          task_id: crypto.randomUUID(),
          session_id: crypto.randomUUID(),
          engine: 'llamacpp',
          priority: 'interactive',
          prompt: 'Hello there',
          max_tokens: 64,
          deadline_ms: NEVER_MS,
        };
        const fromMs = performance.now();
        const answer = await connection.ask({
          method: 'POST',
          path: '/v2/tasks',
          body,
          headers: { 'X-API-Key': apiKey },
        });
        if (answer.status !== 202) throw new Error(`a task was refused: ${answer.status} ${answer.body}`);
        latencyMs.push(performance.now() - fromMs);
      }
    } finally {
      connection.close();
    }
  };
  const fromMs = performance.now();
  await Promise.all(Array.from({ length: clients }, submit));
  return { perSecond: (requests * 1000) / (performance.now() - fromMs), latencyMs };
}

async function measure(size: Size): Promise<PartResult> {
  const service = await startMeasuredService({
    ORCHD_FALLBACK: 'wait',
    ORCHD_ADMISSION_CAPACITY: '1000000',
    ORCHD_SESSION_TIME_BUDGET_MS: String(10 * NEVER_MS),
  });
  const fastify = await startProgram('floor-http.ts', 'fastify');
  const nest = await startProgram('floor-http.ts', 'nest');
  const validating = await startProgram('floor-http.ts', 'nest-validating');
  try {
    const rows: string[][] = [];
    let ratio = NaN;
    for (const clients of size === 'full' ? [64, 16, 1] : [64]) {
      const load = { clients, requests: size === 'full' ? (clients === 1 ? 2000 : 8000) : 3000 };
      const seen = new Map<string, AdmissionFigures[]>();
      const contender = (name: string, { url, pid }: { readonly url: string; readonly pid: number }) => ({
        name,
        pid,
        work: async () => {
          const figures = await submitAll(url, service.apiKey, load);
          seen.set(name, [...(seen.get(name) ?? []), figures]);
          return load.requests;
        },
      });
      const cpu = await cpuPerUnit(
        [
          contender('bare Fastify', fastify),
          contender(FLOOR, nest),
          contender('Nest with its ValidationPipe', validating),
          contender('orchestratord', service),
        ],
        ROUNDS[size],
      );
      const [bare, floor] = ['bare Fastify', FLOOR].map(name => median(cpu.get(name) ?? []));
      for (const [name, each] of cpu) {
        // Without that of the round that warmed up.
        const counted = (seen.get(name) ?? []).slice(1);
        const latency = counted.flatMap(({ latencyMs }) => latencyMs);
        rows.push([
          `${clients} clients, ${name}`,
          median(each).toFixed(0),
          (median(each) / (floor ?? NaN)).toFixed(2),
          (median(each) / (bare ?? NaN)).toFixed(2),
          median(counted.map(({ perSecond }) => perSecond)).toFixed(0),
          quantile(latency, 0.5).toFixed(1),
          quantile(latency, 0.99).toFixed(1),
        ]);
      }
      if (clients === 64) ratio = median(cpu.get('orchestratord') ?? []) / (floor ?? NaN);
    }
    return {
      title: 'Admission',
      what:
        'A task is validated, placed in the queue, made durable (synced) and answered with its place and predicted start; no engine is ' +
        'bound, so all of them stay queued. The floors answer the same request with a constant.',
      columns: ['', 'CPU µs each', 'to Nest', 'to Fastify', 'a second', 'p50, ms', 'p99, ms'],
      rows,
      verdict: verdictOf('CPU an admission, 64 clients, to Nest', ratio, GOAL),
    };
  } finally {
    await service.stop();
    for (const program of [fastify, nest, validating]) await program.stop();
  }
}

export const admissionPart: Part = { name: 'admission', run: measure };
