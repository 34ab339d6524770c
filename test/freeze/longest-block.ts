import { openSync, readSync } from 'node:fs';

/**
 * Preloaded into the service: how long its event loop was held at the longest. A timer of a millisecond is looked at: what lies between
 * two of its turns is what anybody else had to wait. SIGUSR2 prints the longest since the last one, and begins anew.
 *
 * With it comes how much of that time the thread had a core (`cpuMs`), and how much it waited for one because others had them
 * (`stolenMs`), as the kernel accounts for it: to a tick of its clock, which may be 4 ms.
 */
export interface LongestBlock {
  readonly event: 'longest_block';
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly stolenMs: number;
}

const TICK_MS = 1;
const NS_PER_MS = 1e6;

const schedstat = openSync('/proc/self/schedstat', 'r');
const buffer = Buffer.alloc(128);

interface Moment {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly stolenMs: number;
}

function now(): Moment {
  const length = readSync(schedstat, buffer, 0, buffer.length, 0);
  const [cpuNs = 0, stolenNs = 0] = buffer.toString('latin1', 0, length).split(' ').map(Number);
  return { wallMs: performance.now(), cpuMs: cpuNs / NS_PER_MS, stolenMs: stolenNs / NS_PER_MS };
}

let last = now();
let longest: Moment = { wallMs: 0, cpuMs: 0, stolenMs: 0 };

function tick(): void {
  const moment = now();
  const wallMs = moment.wallMs - last.wallMs;
  if (wallMs > longest.wallMs) {
    longest = { wallMs, cpuMs: moment.cpuMs - last.cpuMs, stolenMs: moment.stolenMs - last.stolenMs };
  }
  last = moment;
}

setInterval(tick, TICK_MS).unref();

process.on('SIGUSR2', () => {
  tick();
  const report: LongestBlock = { event: 'longest_block', ...longest };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  longest = { wallMs: 0, cpuMs: 0, stolenMs: 0 };
});
