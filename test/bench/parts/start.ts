import { rssKb, startMeasuredService, startProgram } from '../measured-process';
import { NO_GOAL, type Part, type PartResult, type Size } from '../part';
import { median } from '../statistics';

interface Start {
  readonly ms: number;
  readonly rssMib: number;
}

/** From spawning the process to its first answer. */
async function timed(start: () => Promise<{ readonly pid: number; stop: () => Promise<unknown> }>): Promise<Start> {
  const fromMs = performance.now();
  const started = await start();
  const ms = performance.now() - fromMs;
  const rssMib = rssKb(started.pid) / 1024;
  await started.stop();
  return { ms, rssMib };
}

async function serviceReady(): Promise<Awaited<ReturnType<typeof startMeasuredService>>> {
  const service = await startMeasuredService({});
  while ((await service.request('GET', '/readyz')).status !== 200) await new Promise(setImmediate);
  return service;
}

async function measure(size: Size): Promise<PartResult> {
  const contenders = { 'bare Nest app': () => startProgram('bare-nest.mjs'), orchestratord: serviceReady };
  const seen: Record<string, Start[]> = {};
  for (let round = 0; round <= (size === 'full' ? 5 : 2); round++) {
    for (const [name, start] of Object.entries(contenders)) {
      const figure = await timed(start);
      // The first round warms the disk's cache.
      if (round > 0) (seen[name] ??= []).push(figure);
    }
  }
  const of = (name: string, member: keyof Start): number => median((seen[name] ?? []).map(figure => figure[member]));
  const floor = of('bare Nest app', 'ms');
  return {
    title: 'Start',
    what: 'From spawning `node dist/main.js`, with an empty data folder, to `/readyz` answering 200, against a Nest app on Fastify with one route.',
    columns: ['', 'ms', 'ratio', 'RSS, MiB'],
    rows: Object.keys(contenders).map(name => [
      name,
      of(name, 'ms').toFixed(0),
      (of(name, 'ms') / floor).toFixed(2),
      of(name, 'rssMib').toFixed(0),
    ]),
    verdict: NO_GOAL,
  };
}

export const startPart: Part = { name: 'start', run: measure };
