import { Agent } from 'node:http';
import { join, resolve } from 'node:path';
import { Child, type ChildExit, type ChildOptions } from './child';
import { eventually, LAST_RESORT_MS } from './deadline';
import { freePort } from './free-port';
import { sendRequest, type HttpAnswer, type RequestOptions } from './http-client';
import type { HttpMessage } from './http-message';
import { rawRequest } from './raw-request';
import { temporaryFolder } from './temporary-folder';

/** A line of the service's log; a line that is no JSON stands as `human` alone. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface ServiceOptions {
  /** Settings beside the defaults below. A data folder named here is the caller's: it is neither made nor removed. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the node to run it with, unless it is ours. */
  readonly node?: string;
  /** Arguments of node itself, before the program. */
  readonly nodeArgs?: readonly string[];
  /** The built service unless told; from the root of the project. */
  readonly program?: string;
  /** For `listening` to appear in the log. */
  readonly deadlineMs?: number;
  /** Where the log goes, unless it is read by us: see {@link ChildOptions}. It listens on a port that was free before. */
  readonly log?: ChildOptions['output'];
}

/** The built service as a process of its own. */
export interface RunningService {
  readonly url: string;
  /** A key that opens it. */
  readonly apiKey: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly runtimeDir: string;
  /** Undefined while it runs; null where a signal ended it. */
  readonly exitCode: number | null | undefined;
  readonly exited: Promise<ChildExit>;
  logs(): LogLine[];
  /** Begins to read a log that nobody read. */
  readLog(): void;
  /** The first line, past or to come, that `wanted` takes. Rejects at the deadline, or when the service ends. */
  waitForLog(wanted: (line: LogLine) => boolean, deadlineMs?: number): Promise<LogLine>;
  /** One request; the path is sent as it is written. */
  request(method: string, path: string, options?: RequestOptions): Promise<HttpAnswer>;
  /** Bytes over a connection of their own, malformed ones too. */
  rawRequest(bytes: string | Uint8Array, deadlineMs?: number): Promise<HttpMessage>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it and removes the folders that were made for it. Rejects where it had to be killed after `deadlineMs`. */
  stop(signal?: NodeJS.Signals, deadlineMs?: number): Promise<ChildExit>;
}

const root = resolve(__dirname, '../..');
const API_KEY = 'test-key';

/**
 * Starts `dist/main.js` on a port of its own, with fresh folders and nothing of our environment, and resolves once it
 * listens. Rejects with its last lines where it does not.
 */
export async function startService(options: ServiceOptions = {}): Promise<RunningService> {
  const { env = {}, node, nodeArgs = [], program = 'dist/main.js', deadlineMs = LAST_RESORT_MS, log } = options;
  const folder = temporaryFolder();
  const port = log === undefined ? 0 : await freePort();
  const settings = {
    PATH: process.env.PATH ?? '',
    HOME: folder.path,
    ORCHD_ADDR: `127.0.0.1:${port}`,
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_RUNTIME_DIR: join(folder.path, 'engines'),
    ORCHD_MODELS_DIR: join(folder.path, 'models'),
    ORCHD_API_KEYS: API_KEY,
    ...env,
  };
  const child = new Child({
    node,
    args: [...nodeArgs, resolve(root, program)],
    env: settings,
    cwd: folder.path,
    output: log,
  });
  const agent = new Agent({ keepAlive: true });
  const stop = async (signal?: NodeJS.Signals, stopDeadlineMs?: number) => {
    agent.destroy();
    try {
      return await child.stop(signal, stopDeadlineMs);
    } finally {
      folder.remove();
    }
  };
  const waitForLog: RunningService['waitForLog'] = async (wanted, logDeadlineMs = LAST_RESORT_MS) =>
    logLine(await child.line(line => wanted(logLine(line)), logDeadlineMs, 'waiting for a log line'));

  let url = `http://${settings.ORCHD_ADDR}`;
  try {
    if (port === 0) url = String((await waitForLog(({ event }) => event === 'listening', deadlineMs)).url);
    else
      await eventually(
        () => isReady(url, agent),
        ready => ready,
        deadlineMs,
      );
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
  const apiKey = settings.ORCHD_API_KEYS.split(',')[0] || 'valid';
  return {
    url,
    apiKey,
    pid: child.pid,
    dataDir: settings.ORCHD_DATA_DIR,
    runtimeDir: settings.ORCHD_RUNTIME_DIR,
    get exitCode() {
      return child.exit?.code;
    },
    exited: child.exited,
    logs: () => child.lines.map(logLine),
    readLog: () => child.readOutput(),
    waitForLog,
    request: (method, path, { headers, ...rest } = {}) =>
      sendRequest(url, agent, method, path, { ...rest, headers: { 'X-API-Key': apiKey, ...headers } }),
    rawRequest: (bytes, rawDeadlineMs) => rawRequest(url, bytes, rawDeadlineMs),
    signal: signal => child.signal(signal),
    stop,
  };
}

function isReady(url: string, agent: Agent): Promise<boolean> {
  return sendRequest(url, agent, 'GET', '/readyz').then(
    ({ status }) => status === 200,
    () => false,
  );
}

function logLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as LogLine;
  } catch {
    // Not JSON: shown as it is.
  }
  return { human: line };
}
