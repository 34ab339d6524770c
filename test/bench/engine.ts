import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenAndSay } from './child-server';

/*
 * An engine that costs little: llama.cpp's probe and its streamed completion, one clock for all streams.
 * Arguments: slots, milliseconds between two tokens of a stream (0: as fast as the socket takes them).
 */

const [slots = 256, tokenMs = 20] = process.argv.slice(2).map(Number);
const WORDS = [' the', ' paper', ' of', ' quiet', ' words', ' and', ' then', ' some'];

interface Generation {
  readonly response: ServerResponse;
  readonly tokens: number;
  sent: number;
}

/** Streams by the millisecond of the interval at which their tokens are due. */
const wheel: Set<Generation>[] = Array.from({ length: Math.max(1, tokenMs) }, () => new Set());
let turned = performance.now();

function frameOf(generation: Generation): string {
  const { sent, tokens } = generation;
  if (sent < tokens) {
    const word = WORDS[sent % WORDS.length];
    return `data: {"index":0,"content":"${word}","tokens":[${sent}],"stop":false,"id_slot":-1,"tokens_predicted":${sent + 1},"tokens_evaluated":2}\n\n`;
  }
  return (
    `data: {"content":"","stop":true,"stop_type":"limit","model":"bench","tokens_predicted":${tokens},` +
    `"tokens_evaluated":2,"timings":{"prompt_n":2,"predicted_n":${tokens}}}\n\n`
  );
}

/** Sends the next token; false once the stream is over or its socket full. */
function step(generation: Generation): boolean {
  const { response, tokens } = generation;
  const roomy = response.write(frameOf(generation));
  if (generation.sent++ < tokens) return roomy;
  response.end();
  return false;
}

function run(generation: Generation): void {
  if (tokenMs === 0) {
    const pump = (): void => {
      while (step(generation)) if (generation.response.destroyed) return;
      if (generation.sent <= generation.tokens) generation.response.once('drain', pump);
    };
    return pump();
  }
  const due = wheel[Math.floor(performance.now()) % wheel.length] as Set<Generation>;
  due.add(generation);
  generation.response.once('close', () => due.delete(generation));
  step(generation);
}

function turn(): void {
  const now = performance.now();
  for (; turned < now; turned++) {
    const due = wheel[Math.floor(turned) % wheel.length];
    for (const generation of due ?? []) {
      step(generation);
      if (generation.sent > generation.tokens) due?.delete(generation);
    }
  }
}
if (tokenMs > 0) setInterval(turn, 1);

const answers: Readonly<Record<string, unknown>> = {
  '/health': { status: 'ok' },
  '/props': {
    total_slots: slots,
    model_alias: 'bench',
    model_path: 'bench',
    build_info: 'bench',
    default_generation_settings: { n_ctx: 4096 },
  },
  '/slots': [],
};

function complete(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.setEncoding('utf8').on('data', text => (body += text));
  request.on('end', () => {
    const { n_predict: tokens } = JSON.parse(body) as { n_predict: number };
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    run({ response, tokens, sent: 0 });
  });
}

listenAndSay(
  createServer((request, response) => {
    const { url = '' } = request;
    if (url === '/completion') return complete(request, response);
    const answer = answers[url];
    response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  }),
);
