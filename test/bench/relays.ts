import { Program } from './program';
import type { Target } from './load/requests';
import { startService } from './service';

/** Slots of the engine: more than most parts have streams. */
const SLOTS = 256;

/** A process between the engine and its clients. */
export interface Relay {
  readonly target: Target;
  readonly pid: number;
}

/** One engine, and what relays it. */
export interface Relays {
  readonly service: Relay;
  readonly pipe: Relay;
  readonly reframe: Relay;
  /** A bare server of durable tasks. */
  readonly durableFloor: Relay;
  /** The engine itself, with nothing between. */
  readonly direct: Relay;
  readonly programs: readonly Program[];
}

/** With a token every `tokenMs`; 0: as fast as the socket takes them. */
export async function startRelays(
  folder: string,
  tokenMs: number,
  settings: Readonly<Record<string, string>> = {},
  slots = SLOTS,
): Promise<Relays> {
  const floor = (name: string, ...args: (number | string)[]) =>
    Program.start({ program: `test/bench/${name}.ts`, args, folder });
  const engine = await floor('engine/main', slots, tokenMs);
  const pipe = await floor('floors/pipe', engine.port);
  const reframe = await floor('floors/reframe', engine.port);
  const durableFloor = await floor('floors/durable', engine.port, folder);
  const service = await startService(folder, {
    ORCHD_LLAMACPP_URL: `http://127.0.0.1:${engine.port}`,
    // All clients may submit before the first is dispatched.
    ORCHD_ADMISSION_CAPACITY: String(4 * slots),
    ...settings,
  });
  const engineEnd = '"stop":true';
  const relay = (name: string, kind: Target['kind'], { pid, port }: Program, endMark: string): Relay => ({
    pid,
    target: { name, kind, port, endMark },
  });
  return {
    service: relay('service', 'service', service, 'event: end'),
    pipe: relay('byte pipe', 'engine', pipe, engineEnd),
    reframe: relay('parse and re-frame', 'engine', reframe, 'event: end'),
    durableFloor: relay('durable floor', 'service', durableFloor, 'event: end'),
    direct: relay('engine', 'engine', engine, engineEnd),
    programs: [service, pipe, reframe, durableFloor, engine],
  };
}

export async function stopRelays({ programs }: Relays): Promise<void> {
  for (const program of programs) await program.stop();
}
