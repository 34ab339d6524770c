import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineCore } from './engine-core';
import { defaultSettings, type EngineSettings } from './engine-options';
import { FaultBoard } from './faults';
import { front } from './front';
import { announce } from './handoff';
import { Ledger, type EngineStats } from './ledger';
import { Pacer } from './pacer';
import { Sendings } from './sendings';
import { Sleep } from './sleep';
import {
  applyControl,
  controlRoutes,
  controlState,
  type ControlChange,
  type ControlState,
} from './routes/control.routes';
import { wires } from './wire/wires';

/** A stand-in engine that runs: a real HTTP server that speaks an engine's API. */
export interface RunningEngine {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  stats(): EngineStats;
  /** Resolves with the first figures that satisfy `wanted`; rejects after `deadlineMs` (30 s unless told). */
  until(wanted: (stats: EngineStats) => boolean, deadlineMs?: number): Promise<EngineStats>;
  /** Turns switches; what is left out stays. `faults` replaces all that were on, and lets go what they stalled. */
  control(change: ControlChange): ControlState;
  /** Closes every connection and the port, and takes the handoff file away. Calling it again does nothing. */
  stop(): Promise<void>;
}

const WAIT_MS = 30_000;

/** Starts an engine in this process. Rejects where its port is taken. */
export async function startEngine(options: Partial<EngineSettings> = {}): Promise<RunningEngine> {
  const settings: EngineSettings = { ...defaultSettings, ...options };
  const ledger = new Ledger(() => {
    const pools = server.instances().map(({ pool }) => pool);
    return {
      active: sum(pools.map(pool => pool.active)),
      deferred: sum(pools.map(pool => pool.waiting)),
      deferrals: sum(pools.map(pool => pool.deferrals)),
      asleep: sleep.isAsleep,
      sleeps: sleep.times,
    };
  }, settings.requestsKept);
  const pacer = new Pacer();
  const load = () => pacer.delay(settings.loadMs, new AbortController().signal);
  const sleep = new Sleep(settings.sleepIdleMs, load, () => ledger.changed());
  const core: EngineCore = {
    settings,
    controls: {
      tokensPerSecond: settings.tokensPerSecond,
      prefillMs: settings.prefillMs,
      noticeMs: settings.noticeMs,
      loading: false,
      brokenModels: settings.brokenModels,
    },
    faults: new FaultBoard(settings.faults),
    pacer,
    ledger,
    sendings: new Sendings(),
    sleep,
    die: settings.die ?? (() => void close(http)),
  };
  const wire = wires[settings.wire];
  const server = wire.server(core);
  const http = createServer(front(core, wire, server, controlRoutes(core)));

  const port = await listen(http, settings);
  const { host } = settings;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const loaded = server.loadsAtStart ? loadAtStart(core) : undefined;
  const withdraw = settings.handoff && announce(settings.handoff, url, settings);

  return {
    url,
    port,
    stats: () => ledger.stats(),
    until: (wanted, deadlineMs = WAIT_MS) => ledger.until(wanted, deadlineMs),
    control: change => {
      applyControl(core, change);
      return controlState(core);
    },
    stop: async () => {
      withdraw?.();
      clearTimeout(loaded);
      sleep.stop();
      await close(http);
      core.pacer.stop();
    },
  };
}

function listen(http: HttpServer, { host, port }: EngineSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host, port, backlog: 4096 }, () => resolve((http.address() as AddressInfo).port));
  });
}

/** Says that it is loading until the time for it is over. */
function loadAtStart({ controls, settings }: EngineCore): NodeJS.Timeout | undefined {
  if (settings.loadMs <= 0) return undefined;
  controls.loading = true;
  return setTimeout(() => (controls.loading = false), settings.loadMs);
}

/** Drops the connections as well: nothing is waited for. */
function close(http: HttpServer): Promise<void> {
  return new Promise(resolve => {
    http.close(() => resolve());
    http.closeAllConnections();
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
