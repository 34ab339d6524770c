import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Child } from '../support/child';
import { startService, type RunningService } from '../support/service';

/** Clock ticks a second in /proc/<pid>/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const STARTS_WITHIN_MS = 30_000;
const register = require.resolve('@swc-node/register');

/** A process whose cost is looked at from outside, by the kernel's own account of it. */
export interface MeasuredProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

/** CPU time of all threads, user and system, in microseconds, in steps of 10 ms. */
export function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // proc(5) counts from 1 and has two before these: 14 is utime, 15 stime.
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return ((userTicks + systemTicks) * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory in KiB; NaN of a process that is ending. */
export function rssKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}

/** A program of this folder that says where it listens. */
export async function startProgram(name: string, ...args: readonly string[]): Promise<MeasuredProcess> {
  const loader = name.endsWith('.ts') ? ['-r', register] : [];
  const child = new Child({
    args: [...loader, resolve(__dirname, name), ...args],
    env: { PATH: process.env.PATH ?? '' },
    cwd: resolve(__dirname, '../..'),
  });
  const line = await child.line(said => said.startsWith('ready '), STARTS_WITHIN_MS, name);
  return { url: line.slice('ready '.length), pid: child.pid, stop: () => child.stop() };
}

export function startEngine(slots: number, tokenMs: number): Promise<MeasuredProcess> {
  return startProgram('engine.ts', String(slots), String(tokenMs));
}

/** The service as it comes, but for what a part says: journal, metrics, keys and the log of each decision are on. */
export function startMeasuredService(env: Readonly<Record<string, string>>): Promise<RunningService> {
  return startService({ env, deadlineMs: STARTS_WITHIN_MS });
}
