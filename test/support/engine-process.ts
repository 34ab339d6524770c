import { resolve } from 'node:path';
import type { EngineStats } from '../engine/ledger';
import type { ControlState } from '../engine/routes/control.routes';
import { Child, type ChildExit } from './child';
import { eventually, LAST_RESORT_MS } from './deadline';

/** A stand-in engine as a process of its own: to be killed or stopped from outside. */
export interface EngineProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  stats(): Promise<EngineStats>;
  /** The first figures that satisfy `wanted`. */
  until(wanted: (stats: EngineStats) => boolean, deadlineMs?: number): Promise<EngineStats>;
  /** As `POST /__control` takes it. */
  control(change: object): Promise<ControlState>;
  signal(signal: NodeJS.Signals): void;
  stop(signal?: NodeJS.Signals): Promise<ChildExit>;
}

const root = resolve(__dirname, '../..');

/** Starts the `engine` command with these arguments, on a free port unless they name one. */
export async function startEngineProcess(args: readonly string[] = []): Promise<EngineProcess> {
  const child = new Child({
    args: ['-r', './tools/sources.cjs', 'test/engine/main.ts', '--port', '0', ...args],
    env: { PATH: process.env.PATH ?? '' },
    cwd: root,
  });
  let line: string;
  try {
    line = await child.line(text => text.includes('"listening"'), 20_000, 'waiting for the engine to listen');
  } catch (error) {
    await child.stop('SIGKILL');
    throw error;
  }
  const { url, port } = JSON.parse(line) as { url: string; port: number };
  const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(LAST_RESORT_MS) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const stats = () => ask<EngineStats>('/__stats');
  return {
    url,
    port,
    pid: child.pid,
    exited: child.exited,
    stats,
    until: (wanted, deadlineMs = LAST_RESORT_MS) => eventually(stats, wanted, deadlineMs),
    control: change => ask('/__control', { method: 'POST', body: JSON.stringify(change) }),
    signal: signal => child.signal(signal),
    stop: signal => child.stop(signal),
  };
}
