import { setTimeout as pause } from 'node:timers/promises';
import { shown } from './figures';
import type { RelayResult } from './load/job';
import type { Target } from './load/requests';
import type { Bench } from './part';
import { withCpuOf } from './process-usage';
import { Program } from './program';
import { API_KEY, startService } from './service';

const SLOTS = 256;
const STREAMS = 64;
const READY_MS = 15_000;

/** A server of OpenAI's API and one of llama.cpp's own, and of each its service and its byte pipe. */
export interface ChatRelays {
  readonly tasks: Program;
  readonly chats: Program;
  readonly nativePipe: Program;
  readonly chatPipe: Program;
  readonly programs: readonly Program[];
}

export async function startChatRelays(folder: string): Promise<ChatRelays> {
  const floor = (name: string, ...args: number[]) => Program.start({ program: `test/bench/${name}.ts`, args, folder });
  const nativeEngine = await floor('engine/main', SLOTS, 0);
  const chatEngine = await floor('engine/main', SLOTS, 0, 1);
  const nativePipe = await floor('floors/pipe', nativeEngine.port);
  const chatPipe = await floor('floors/pipe', chatEngine.port);
  // Of each its own service, for a task that names no model may go to either engine.
  const settings = { ORCHD_ENGINE_SLOTS: String(SLOTS), ORCHD_ADMISSION_CAPACITY: String(4 * SLOTS) };
  const address = ({ port }: Program): string => `http://127.0.0.1:${port}`;
  const tasks = await startService(folder, { ORCHD_LLAMACPP_URL: address(nativeEngine), ...settings });
  const chats = await startService(folder, { ORCHD_ENGINE_URLS: `openai=${address(chatEngine)}`, ...settings });
  await listed(chats.port);
  const programs = [tasks, chats, nativePipe, chatPipe, nativeEngine, chatEngine];
  return { tasks, chats, nativePipe, chatPipe, programs };
}

/** Until its engine is there. */
async function listed(port: number): Promise<void> {
  const endMs = performance.now() + READY_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { 'X-API-Key': API_KEY } });
    const { data } = (await answer.json()) as { readonly data: readonly unknown[] };
    if (data.length === 1) return;
    if (performance.now() > endMs) throw new Error('the engine is not listed');
    await pause(20);
  }
}

export type Run = RelayResult & { readonly cpuUs: number };

/** How much is asked of a relay at a time. */
export interface Amount {
  readonly tasks: number;
  /** Of each; of embeddings, inputs. */
  readonly tokens: number;
}

/** A run of one API through one process. */
export function runsOf(
  bench: Bench,
  { pid, port }: Program,
  api: Omit<Target, 'port'>,
  { tasks, tokens }: Amount,
): () => Promise<Run> {
  const job = { kind: 'relay', target: { ...api, port }, apiKey: API_KEY, streams: STREAMS, startOverMs: 0 } as const;
  return async () => {
    const result = await withCpuOf(pid, () => bench.load.run({ ...job, tasks, tokens }));
    const [perToken, perRequest] = [shown(result.cpuUs / result.tokens), shown(result.cpuUs / result.tasks)];
    bench.say(`${api.name}: ${perToken} µs a token, ${perRequest} a request`);
    return result;
  };
}
