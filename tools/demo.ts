import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { startEngine } from '../test/engine/engine';
import { startService, type RunningService } from '../test/support/service';
import { openEvents } from '../test/support/sse-client';
import type { SseEvent } from '../test/support/sse-stream';

/**
 * Shows the way of a task: a stand-in engine and the built service on free ports, one task, its tokens as they come, a chat as
 * clients of OpenAI's API ask for it, commands to try, and at the end what such a client needs to be told. Stays up until Ctrl-C; with
 * `--once`, or where no terminal is attached and there is no `--stay`, it stops by itself. Exit code 0.
 */

const API_KEY = 'valid';
const TASK_ID = 'demo-1';
const TOKENS = 40;
/** The signal that ended the demo, if one did. */
let leftBy: NodeJS.Signals | undefined;

async function main(): Promise<void> {
  if (!existsSync(resolve(__dirname, '../dist/main.js')))
    throw new Error('there is no dist/main.js: run "npm run build" first');
  const engine = await startEngine({ slots: 4, tokensPerSecond: 20 });
  try {
    const service = await startService({
      env: {
        ORCHD_LLAMACPP_URL: engine.url,
        // None set, on a loopback address: the development key.
        ORCHD_API_KEYS: '',
        ORCHD_SHUTDOWN_GRACE_MS: '1000',
      },
    });
    const left = untilLeft(service);
    try {
      say(
        `A stand-in engine with 4 slots listens on ${engine.url}, the service on ${service.url} (API key "${API_KEY}").`,
      );
      const shown = showTask(service).then(() => showChat(service));
      // Once somebody left it, nobody waits for it any more.
      shown.catch(() => undefined);
      const next = await Promise.race([shown, left]);
      const isWatched = process.stdin.isTTY && process.stdout.isTTY;
      const stays = !process.argv.includes('--once') && (isWatched || process.argv.includes('--stay'));
      if (next !== 'left' && stays) say(thingsToTry(service.url));
      if (next !== 'left') say(forClients(baseUrlOf(service), next.model));
      if (next !== 'left' && stays) await left;
    } finally {
      await stop(service);
    }
  } finally {
    await engine.stop();
    say('Stopped.');
  }
}

async function showTask(service: RunningService): Promise<void> {
  const body = { task_id: TASK_ID, prompt: 'Tell me about queues.', max_tokens: TOKENS };
  const answer = await service.request('POST', '/v2/tasks', { body });
  say(`POST /v2/tasks ${JSON.stringify(body)}\n→ ${answer.status} ${answer.text}`);
  if (answer.status !== 202) throw new Error('the task was not accepted');
  say(`GET /v2/tasks/${TASK_ID}/events`);
  const stream = await openEvents(`${service.url}/v2/tasks/${TASK_ID}/events`, { headers: { 'X-API-Key': API_KEY } });
  // Each event is offered here once, in order, as it comes.
  const last = await stream.event(event => show(event), 60_000);
  if (last?.type !== 'end') throw new Error(`the task ended with ${last?.text}`);
}

/** Asks as a client does that knows of OpenAI's API alone; the model is the one that is listed. */
async function showChat(service: RunningService): Promise<{ readonly model: string }> {
  const baseUrl = baseUrlOf(service);
  const headers = { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' };
  const { data } = (await (await fetch(`${baseUrl}/models`, { headers })).json()) as Listed;
  const model = data[0]?.id ?? '';
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 12 });
  const answer = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', headers, body });
  say(`POST /v1/chat/completions ${body}\n→ ${answer.status} ${await answer.text()}`);
  if (answer.status !== 200) throw new Error('the chat was not answered');
  return { model };
}

interface Listed {
  readonly data: readonly { readonly id: string }[];
}

function baseUrlOf({ url }: RunningService): string {
  return `${url}/v1`;
}

function forClients(baseUrl: string, model: string): string {
  return `Any client of OpenAI's API can use it now:

  base URL  ${baseUrl}
  API key   ${API_KEY}
  model     ${model}`;
}

/** Returns whether it was the last one. */
function show({ type, text, data }: SseEvent): boolean {
  if (type === 'token') process.stdout.write((data as { t: string }).t);
  else if (type !== 'metrics') process.stdout.write(`${type === 'started' ? '' : '\n'}[${type}] ${text}\n`);
  return type === 'end' || type === 'error';
}

/** Resolves at Ctrl-C or SIGTERM; rejects where the service ends before that. */
function untilLeft(service: RunningService): Promise<'left'> {
  return new Promise((resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        leftBy = signal;
        resolve('left');
      });
    }
    void service.exited.then(({ code, signal }) => reject(new Error(`the service ended (${code ?? signal})`)));
  });
}

/** A terminal sends Ctrl-C to the service as well, and a second signal would cut its shutdown short. */
async function stop(service: RunningService): Promise<void> {
  const stopsAlready =
    leftBy === 'SIGINT' &&
    (await service
      .waitForLog(({ event }) => event === 'shutting_down', 500)
      .then(
        () => true,
        () => false,
      ));
  if (stopsAlready) await service.exited;
  await service.stop();
}

function thingsToTry(url: string): string {
  const key = `-H 'X-API-Key: ${API_KEY}'`;
  return `It stays up until Ctrl-C. In another terminal:

  # a task of 1,000 tokens, read as it runs; leave with Ctrl-C and come back with the id of the last event you saw
  curl -s ${url}/v2/tasks ${key} -H 'Content-Type: application/json' \\
    -d '{"task_id":"mine","prompt":"Go on.","max_tokens":1000,"on_disconnect":"continue"}'
  curl -sN ${url}/v2/tasks/mine/events ${key}
  curl -sN ${url}/v2/tasks/mine/events ${key} -H 'Last-Event-ID: 20'

  # cancel it; its slot is free when this answers
  curl -si -X POST ${url}/v2/tasks/mine/cancel ${key}

  # look around
  curl -s ${url}/v2/tasks ${key}
  curl -s ${url}/v2/pools ${key}
  curl -s ${url}/v2/meta/capabilities ${key}
  curl -s ${url}/metrics
  open ${url}/docs in a browser`;
}

function say(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
