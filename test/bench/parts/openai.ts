import { alternately, middle } from '../alternately';
import { runsOf, startChatRelays, type Amount, type ChatRelays, type Run } from '../chat-relays';
import { shown, times } from '../figures';
import type { Target } from '../load/requests';
import type { Bench, Goal, Part, Table } from '../part';

/** Of a chat to a task of /v2, and of the newer APIs to a chat. */
const CHAT_GOAL = 1.15;
const NEWER_GOAL = 1.25;

/** How many tokens a request has, and whether the cost is of one of them or of the request. */
interface Way extends Amount {
  readonly caption: string;
  readonly per: 'token' | 'request';
}

/** The other APIs against byte pipes to the same engines, and against /v2. */
export const openai: Part = {
  name: 'openai',
  title: 'The other APIs: the cost of a token and of a request',
  async run(bench) {
    const relays = await startChatRelays(bench.folder);
    try {
      const perToken = await text(bench, relays, {
        caption: '64 at once, 256 tokens each, as fast as possible: a token',
        ...{ tokens: 256, tasks: bench.size(640, 256), per: 'token' },
      });
      const perRequest = await text(bench, relays, {
        caption: '64 at once, one token each: a request',
        ...{ tokens: 1, tasks: bench.size(2000, 1000), per: 'request' },
      });
      const embeddings = await vectors(bench, relays);
      return {
        method: [
          'CPU time of the relaying process (all threads). `/v2` is `POST /v2/tasks` and its events: a completion over an engine of the kind `llamacpp`, whose own ' +
            'frames are the shortest there are, and a chat over one of the kind `openai`. All of `/v1` is over that one, and each byte pipe passes on the very answer ' +
            'of the engine behind.',
          'A chat that is not streamed is one request to its client, and to its engine a stream all the same, so that a client that leaves ends it. A response is kept, as ' +
            'by default: its record is made durable at its beginning and at its end.',
          'More than 32 vectors are asked for in base64, and written as numbers for a client that wants these; the byte pipe passes on what the engine then sends as numbers.',
        ],
        tables: [perToken[0], perRequest[0], embeddings],
        goals: [...perToken[1], ...perRequest[1]],
      };
    } finally {
      for (const program of relays.programs) await program.stop();
    }
  },
};

const chat = { kind: 'chat', endMark: '[DONE]' } as const;
const wholeChat = { kind: 'whole-chat', endMark: '' } as const;
/** A response says its whole text again at its end, and its usage in the last event alone. */
const response = { kind: 'responses', endMark: '"total_tokens":', tokenMark: '"delta":"#' } as const;

async function text(bench: Bench, relays: ChatRelays, way: Way): Promise<[Table, Goal[]]> {
  const { tasks, chats, nativePipe, chatPipe } = relays;
  const ofChats = (api: Omit<Target, 'port'>) => runsOf(bench, chats, api, way);
  const results = await alternately(bench.runs, {
    chat: ofChats({ name: '/v1 streamed', ...chat }),
    task: runsOf(bench, tasks, { name: '/v2', kind: 'service', endMark: 'event: end' }, way),
    chatTask: ofChats({ name: '/v2 of a chat', kind: 'service-chat', endMark: 'event: end' }),
    chatFloor: runsOf(bench, chatPipe, { name: 'pipe, chat', ...chat }, way),
    taskFloor: runsOf(bench, nativePipe, { name: 'pipe, completion', kind: 'engine', endMark: '"stop":true' }, way),
    whole: ofChats({ name: '/v1 whole', ...wholeChat }),
    wholeFloor: runsOf(bench, chatPipe, { name: 'pipe, whole chat', ...wholeChat }, way),
    response: ofChats({ name: 'Responses', ...response }),
    message: ofChats({ name: 'Messages', kind: 'messages', endMark: 'event: message_stop' }),
  });
  const cost = (of: readonly Run[]): number =>
    middle(of, ({ cpuUs, tokens, tasks }) => cpuUs / (way.per === 'token' ? tokens : tasks));
  const [taskUs, chatTaskUs, chatUs] = [cost(results.task), cost(results.chatTask), cost(results.chat)];
  const row = (name: string, of: readonly Run[], floor: readonly Run[]): string[] => [
    name,
    shown(cost(of)),
    times(cost(of), cost(floor)),
    times(cost(of), taskUs),
    times(cost(of), chatTaskUs),
    times(cost(of), chatUs),
    shown(middle(of, ({ firstToken }) => firstToken.p50Ms)),
    shown(middle(of, ({ firstToken }) => firstToken.p99Ms)),
  ];
  const heads = ['to its pipe', 'to /v2', 'to a chat on /v2', 'to one on /v1', 'first token p50 ms', 'p99 ms'];
  const table = {
    caption: way.caption,
    head: ['', `CPU µs a ${way.per}`, ...heads],
    rows: [
      row('/v1/chat/completions, streamed', results.chat, results.chatFloor),
      row('/v1/chat/completions, whole', results.whole, results.wholeFloor),
      row('/v1/responses, streamed', results.response, results.chatFloor),
      row('/v1/messages, streamed', results.message, results.chatFloor),
      row('/v2, the stream of a completion', results.task, results.taskFloor),
      row('/v2, the stream of a chat', results.chatTask, results.chatFloor),
      row('byte pipe, a streamed chat', results.chatFloor, results.chatFloor),
      row('byte pipe, a whole chat', results.wholeFloor, results.wholeFloor),
      row('byte pipe, a completion', results.taskFloor, results.taskFloor),
    ],
  };
  const goal = (what: string, of: readonly Run[], baseUs: number, base: string, atMost: number): Goal => ({
    ...{ what: `${what}: CPU a ${way.per}, to ${base}`, got: cost(of) / baseUs, atMost, unit: '×' },
  });
  const goals = [
    goal('Chat streamed', results.chat, taskUs, '/v2', CHAT_GOAL),
    goal('Chat whole', results.whole, taskUs, '/v2', CHAT_GOAL),
  ];
  if (way.per === 'request') return [table, goals];
  const newer = [
    goal('Responses streamed', results.response, chatUs, 'a chat streamed', NEWER_GOAL),
    goal('Messages streamed', results.message, chatUs, 'a chat streamed', NEWER_GOAL),
  ];
  return [table, [...goals, ...newer]];
}

async function vectors(bench: Bench, { chats, chatPipe }: ChatRelays): Promise<Table> {
  const rows: string[][] = [];
  for (const [inputs, kind, format] of [
    [1, 'embeddings', 'as numbers'],
    [256, 'embeddings', 'as numbers'],
    [256, 'embeddings-base64', 'in base64'],
  ] as const) {
    const amount = { tokens: inputs, tasks: inputs === 1 ? bench.size(2000, 500) : bench.size(48, 32) };
    const named = `${inputs} ${inputs === 1 ? 'input' : 'inputs'}, ${format}`;
    const { ours, floor } = await alternately(bench.runs, {
      ours: runsOf(bench, chats, { name: `embeddings: ${named}`, kind, endMark: '' }, amount),
      floor: runsOf(bench, chatPipe, { name: `pipe, embeddings: ${named}`, kind, endMark: '' }, amount),
    });
    const cost = (of: readonly Run[]): number => middle(of, ({ cpuUs, tasks }) => cpuUs / tasks);
    rows.push([named, shown(cost(ours)), shown(cost(floor)), times(cost(ours), cost(floor))]);
  }
  const head = ['', 'CPU µs a request', 'byte pipe', 'to the pipe'];
  return { caption: 'Embeddings of 1,024 numbers each', head, rows };
}
