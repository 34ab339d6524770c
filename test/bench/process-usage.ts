import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Of /proc/<pid>/stat: Linux shows times to user space in hundredths of a second, whatever its own clock. */
const US_PER_TICK = 10_000;
/** Places of utime and stime behind the name, which may hold spaces and brackets (proc(5)). */
const UTIME = 11;
const STIME = 12;
/** What is written behind an answer (log lines, the rest of a group commit) belongs to its cost. */
const REST_MS = 100;

/** User and system time of all threads of a process, in microseconds; steps of 10 ms. */
export function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) * US_PER_TICK;
}

/** Memory of a process that is in RAM, in KiB. */
export function rssKibOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]);
}

/** Does the work, and says what CPU time the process took for it. */
export async function withCpuOf<T>(pid: number, work: () => Promise<T>): Promise<T & { readonly cpuUs: number }> {
  const beforeUs = cpuUsOf(pid);
  const result = await work();
  await pause(REST_MS);
  return { ...result, cpuUs: cpuUsOf(pid) - beforeUs };
}
