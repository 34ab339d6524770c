import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { startEngine } from '../test/engine/engine';
import { redisProgram, startRedis } from '../test/support/redis-server';
import { startService, type RunningService } from '../test/support/service';
import { openEvents } from '../test/support/sse-client';
import type { SseEvent } from '../test/support/sse-stream';

/**
 * Shows several nodes as one service: a redis-server, three nodes, a task that one node runs and another streams. The node that took the task in is
 * killed, and the stream goes on; then the one that runs it is, and the stream ends with what was seen and a typed error, while what waited is run by
 * who is left. Exit code 0; 1 where nothing could be shown.
 */

const API_KEY = 'valid';

const noServer =
  'there is no redis-server or valkey-server, and the nodes need one: install it (Debian: apt-get install redis-server; macOS: brew install redis), or name its program in ORCHD_TEST_REDIS_SERVER';

async function main(): Promise<void> {
  if (redisProgram() === undefined) throw new Error(noServer);
  if (!existsSync(resolve(__dirname, '../dist/main.js')))
    throw new Error('there is no dist/main.js: run "npm run build" first');
  const redis = await startRedis({ fsync: 'always' });
  const engine = await startEngine({ slots: 1, tokensPerSecond: 20 });
  const nodes: RunningService[] = [];
  try {
    for (let at = 0; at < 3; at++) nodes.push(await startNode(redis.url, engine.url));
    const [first, second, third] = nodes as [RunningService, RunningService, RunningService];
    say(`A redis-server on ${redis.url}, an engine with one slot on ${engine.url}, three nodes over them:`);
    for (const [at, { url }] of nodes.entries()) say(`  node ${at + 1}  ${url}`);
    await submit(second, 'runs', 100_000);
    await submit(first, 'waits', 12);
    say('A task is submitted to node 2, another to node 1. Node 3 reads the stream of the first:');
    const stream = await openStream(third, 'runs');
    await stream.event(event => show(event) && tokenOf(event) === 30, 30_000, true);
    say('\nNode 1 is killed, and the stream goes on:');
    await first.stop('SIGKILL');
    await stream.event(event => show(event) && tokenOf(event) === 60, 30_000, true);
    say('\nNode 2, which runs the task, is killed. Its lease lapses within six seconds, and the stream ends:');
    await second.stop('SIGKILL');
    await stream.event(event => show(event) && isLast(event), 30_000);
    stream.close();
    say('The task that node 1 had taken in, and that has shown nothing yet, runs at node 3:');
    const waited = await openStream(third, 'waits');
    await waited.event(event => show(event) && isLast(event), 30_000);
    waited.close();
    say('');
  } finally {
    for (const node of nodes) await node.stop('SIGKILL');
    await engine.stop();
    await redis.stop();
    say('Stopped.');
  }
}

function startNode(store: string, engineUrl: string): Promise<RunningService> {
  return startService({ env: { ORCHD_STORE: store, ORCHD_LLAMACPP_URL: engineUrl, ORCHD_API_KEYS: '' } });
}

async function submit(node: RunningService, taskId: string, maxTokens: number): Promise<void> {
  const body = { task_id: taskId, prompt: 'Tell me about queues.', max_tokens: maxTokens, deadline_ms: 600_000 };
  const answer = await node.request('POST', '/v2/tasks', { body });
  say(`POST ${node.url}/v2/tasks ${JSON.stringify(body)}\n→ ${answer.status} ${answer.text}`);
  if (answer.status !== 202) throw new Error('the task was not accepted');
}

function openStream({ url }: RunningService, taskId: string): ReturnType<typeof openEvents> {
  say(`GET ${url}/v2/tasks/${taskId}/events`);
  return openEvents(`${url}/v2/tasks/${taskId}/events`, { headers: { 'X-API-Key': API_KEY } });
}

const shown = new Set<SseEvent>();

/** Each once: who looks for one event is shown all before it again. Returns true. */
function show(event: SseEvent): boolean {
  if (shown.has(event)) return true;
  shown.add(event);
  const { type, text, data } = event;
  if (type === 'token') process.stdout.write((data as { t: string }).t);
  else if (type !== 'metrics') process.stdout.write(`${type === 'started' ? '' : '\n'}[${type}] ${text}\n`);
  return true;
}

function isLast({ type }: SseEvent): boolean {
  return type === 'end' || type === 'error';
}

function tokenOf({ type, data }: SseEvent): number | undefined {
  return type === 'token' ? (data as { i: number }).i : undefined;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((fault: unknown) => {
  process.stderr.write(`Nothing was shown to its end: ${fault instanceof Error ? fault.message : String(fault)}.\n`);
  process.exitCode = 1;
});
