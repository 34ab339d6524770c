import { setTimeout as pause } from 'node:timers/promises';
import { alternately, middle } from '../alternately';
import { shown, times } from '../figures';
import type { RelayResult } from '../load/job';
import type { Target } from '../load/requests';
import type { Bench, Goal, Part, Table } from '../part';
import { withCpuOf } from '../process-usage';
import { Program } from '../program';
import { API_KEY, startService } from '../service';

const SLOTS = 256;
const STREAMS = 64;
const GOAL = 1.15;
const READY_MS = 15_000;

type Run = RelayResult & { readonly cpuUs: number };

/** How many tokens a request has, and whether the cost is of one of them or of the request. */
interface Way {
  readonly caption: string;
  readonly tokens: number;
  readonly tasks: number;
  readonly per: 'token' | 'request';
}

/** The routes of OpenAI's API against a byte pipe to the same engine, and against /v2 of the same service. */
export const openai: Part = {
  name: 'openai',
  title: "OpenAI's API: the cost of a token and of a request",
  async run(bench) {
    const programs = await start(bench.folder);
    try {
      const perToken = await text(bench, programs, {
        caption: `${STREAMS} at once, 256 tokens each, as fast as possible: a token`,
        ...{ tokens: 256, tasks: bench.size(960, 256), per: 'token' },
      });
      const perRequest = await text(bench, programs, {
        caption: `${STREAMS} at once, one token each: a request`,
        ...{ tokens: 1, tasks: bench.size(6000, 1500), per: 'request' },
      });
      const embeddings = await vectors(bench, programs);
      return {
        method: [
          'CPU time of the relaying process (all threads). `/v2` is `POST /v2/tasks` and its events over an engine of the kind `llamacpp`; `/v1` is ' +
            '`POST /v1/chat/completions` over one of the kind `openai`, and each byte pipe passes on the very answer of the engine behind.',
          'A chat that is not streamed is one request to its client, and to its engine a stream all the same, so that a client that leaves ends it.',
        ],
        tables: [perToken[0], perRequest[0], embeddings],
        goals: [...perToken[1], ...perRequest[1]],
      };
    } finally {
      for (const program of Object.values(programs)) await program.stop();
    }
  },
};

interface Programs {
  readonly tasks: Program;
  readonly chats: Program;
  readonly nativePipe: Program;
  readonly chatPipe: Program;
  readonly nativeEngine: Program;
  readonly chatEngine: Program;
}

async function start(folder: string): Promise<Programs & Record<string, Program>> {
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
  return { tasks, chats, nativePipe, chatPipe, nativeEngine, chatEngine };
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

function runs(
  bench: Bench,
  { pid, port }: Program,
  name: string,
  kind: Target['kind'],
  endMark: string,
  way: Omit<Way, 'caption' | 'per'>,
) {
  return async (): Promise<Run> => {
    const target = { name, kind, port, endMark };
    const { tasks, tokens } = way;
    const job = { kind: 'relay', target, apiKey: API_KEY, streams: STREAMS, tasks, tokens, startOverMs: 0 } as const;
    const result = await withCpuOf(pid, () => bench.load.run(job));
    bench.say(
      `${name}: ${shown(result.cpuUs / result.tokens)} µs a token, ${shown(result.cpuUs / result.tasks)} a request`,
    );
    return result;
  };
}

async function text(bench: Bench, programs: Programs, way: Way): Promise<[Table, Goal[]]> {
  const { tasks, chats, nativePipe, chatPipe } = programs;
  const results = await alternately(bench.runs, {
    chat: runs(bench, chats, '/v1 streamed', 'chat', '[DONE]', way),
    task: runs(bench, tasks, '/v2', 'service', 'event: end', way),
    chatFloor: runs(bench, chatPipe, 'pipe, chat', 'chat', '[DONE]', way),
    taskFloor: runs(bench, nativePipe, 'pipe, completion', 'engine', '"stop":true', way),
    whole: runs(bench, chats, '/v1 whole', 'whole-chat', '', way),
    wholeFloor: runs(bench, chatPipe, 'pipe, whole chat', 'whole-chat', '', way),
  });
  const cost = (of: readonly Run[]): number =>
    middle(of, ({ cpuUs, tokens, tasks }) => cpuUs / (way.per === 'token' ? tokens : tasks));
  const [chatUs, taskUs, wholeUs] = [cost(results.chat), cost(results.task), cost(results.whole)];
  const row = (name: string, of: readonly Run[], floor: readonly Run[]): string[] => [
    name,
    shown(cost(of)),
    times(cost(of), cost(floor)),
    times(cost(of), taskUs),
    shown(middle(of, ({ firstToken }) => firstToken.p50Ms)),
    shown(middle(of, ({ firstToken }) => firstToken.p99Ms)),
  ];
  const table = {
    caption: way.caption,
    head: ['', `CPU µs a ${way.per}`, 'to its pipe', 'to /v2', 'first token p50 ms', 'p99 ms'],
    rows: [
      row('/v1, streamed', results.chat, results.chatFloor),
      row('/v1, whole', results.whole, results.wholeFloor),
      row('/v2, its stream', results.task, results.taskFloor),
      row('byte pipe, a streamed chat', results.chatFloor, results.chatFloor),
      row('byte pipe, a whole chat', results.wholeFloor, results.wholeFloor),
      row('byte pipe, a completion', results.taskFloor, results.taskFloor),
    ],
  };
  const goal = (what: string, us: number): Goal => ({
    ...{ what: `${what}: CPU a ${way.per}, to /v2`, got: us / taskUs, atMost: GOAL, unit: '×' },
  });
  return [table, [goal('/v1 streamed', chatUs), goal('/v1 whole', wholeUs)]];
}

async function vectors(bench: Bench, { chats, chatPipe }: Programs): Promise<Table> {
  const rows: string[][] = [];
  for (const inputs of [1, 256]) {
    const way = { tokens: inputs, tasks: inputs === 1 ? bench.size(4000, 1000) : bench.size(128, 64) };
    const { ours, floor } = await alternately(bench.runs, {
      ours: runs(bench, chats, `embeddings of ${inputs}`, 'embeddings', '', way),
      floor: runs(bench, chatPipe, `pipe, embeddings of ${inputs}`, 'embeddings', '', way),
    });
    const cost = (of: readonly Run[]): number => middle(of, ({ cpuUs, tasks }) => cpuUs / tasks);
    const named = inputs === 1 ? '1 input' : `${inputs} inputs`;
    rows.push([named, shown(cost(ours)), shown(cost(floor)), times(cost(ours), cost(floor))]);
  }
  const head = ['', 'CPU µs a request', 'byte pipe', 'to the pipe'];
  return { caption: 'Embeddings of 1,024 numbers each, as numbers', head, rows };
}
