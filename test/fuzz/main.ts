import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { Random } from '../crash/random';
import type { RunningService } from '../support/service';
import { ApiDocument } from './api-document';
import { exchange } from './exchange';
import { Judge } from './judge';
import { Memory } from './memory';
import { Planner } from './planner';
import { Report } from './report';
import { SchemaCheck } from './schema-check';
import { EMBEDDER, RANKER, startUnderFuzz, WORKER_TOKEN, WRITER } from './service-under-fuzz';

/**
 * Makes requests to every operation of docs/openapi.json, right ones and wrong ones, and holds each answer against what the
 * document declares: status, headers, content type, body, error code. Fails where one is off, or an operation never succeeded.
 *
 * Usage: npm run test:fuzz -- [--requests 4000] [--seed 1]
 */

/** Requests under way at once; each lane draws from a seed of its own, so that a run can be repeated. */
const LANES = 4;

/** Conversations of each lane whose items are looked up and taken out, and the ids of those. */
const TALKS = 5;
const ITEMS = ['msg_a', 'msg_b', 'msg_c'];

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
  },
});

async function main(): Promise<void> {
  const [requests, seed] = [Number(values.requests), Number(values.seed)];
  const document = new ApiDocument();
  const { service, engineUrl, stop } = await startUnderFuzz();
  const report = new Report(document.operations);
  const agent = new Agent({ keepAlive: true });
  const startMs = performance.now();
  try {
    const lanes = Array.from({ length: LANES }, (_, lane) => {
      const count = Math.floor((requests + lane) / LANES);
      return runLane(service, agent, document, report, engineUrl, new Random(seed * LANES + lane), count);
    });
    await Promise.all(lanes);
  } finally {
    agent.destroy();
    await stop();
  }
  report.print(seed, (performance.now() - startMs) / 1000);
  if (report.off > 0 || report.unreached.length > 0) process.exitCode = 1;
}

async function runLane(
  service: RunningService,
  agent: Agent,
  document: ApiDocument,
  report: Report,
  engineUrl: string,
  random: Random,
  count: number,
): Promise<void> {
  const check = new SchemaCheck(document);
  const judge = new Judge(check);
  const talks: string[] = [];
  for (let n = 0; n < TALKS; n++) {
    const body = { items: ITEMS.map(id => ({ id, role: 'user', content: 'Say hello.' })) };
    const made = await service.request('POST', '/v1/conversations', { body });
    talks.push(made.json<{ id: string }>().id);
  }
  const memory = new Memory(random, {
    talk: talks,
    item: ITEMS,
    engine: ['llamacpp', 'deterministic'],
    // Literal addresses, so that no name is looked up: one where an engine is, ones where none is, ones that are not allowed.
    url: [
      engineUrl,
      'http://127.0.0.1:1',
      'http://[::1]:2',
      'http://10.255.255.255',
      'http://169.254.169.254',
      'https://8.8.8.8',
    ],
    role: ['system', 'user', 'assistant'],
    [WRITER]: [WRITER],
    [EMBEDDER]: [EMBEDDER],
    [RANKER]: [RANKER],
    pool: ['default'],
    replica: ['r0'],
    wait: ['0', '1'],
    window: ['90s', '24h', '7d'],
    event: ['0', '1', '2', '3', '10', '1000000000'],
  });
  const credentials = { apiKey: service.apiKey, workerToken: WORKER_TOKEN };
  const planner = new Planner(document, random, check, credentials, memory);
  // What takes a body has more that can be wrong.
  const operations = document.operations.flatMap(each => Array<typeof each>(each.body ? 3 : 1).fill(each));
  // So that there are some to ask for from the start.
  const responses = document.operations.find(({ name }) => name === 'POST /v1/responses');
  for (let n = 0; responses && n < 20; n++) {
    const body = { model: WRITER, input: 'Say hello.', max_output_tokens: 4 };
    memory.learn(responses, (await service.request('POST', '/v1/responses', { body })).json());
  }
  for (let n = 0; n < count; n++) {
    const plan = planner.plan(random.pick(operations));
    try {
      const answer = await exchange(service.url, agent, plan);
      report.answered(plan, answer.status, answer.status === 0 ? [] : judge.faultsOf(plan, answer));
      const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
      if (answer.status < 300 && isJson && !answer.left) memory.learn(plan.operation, JSON.parse(answer.text));
    } catch (cause) {
      report.answered(plan, 0, [`no answer: ${String(cause)}`]);
    }
  }
}

void main();
