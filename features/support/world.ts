import { strict as assert } from 'node:assert';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setWorldConstructor, World } from '@cucumber/cucumber';
import { answerFaults } from '../../test/openai/valid-answers';
import { startEngine, type RunningEngine } from '../../test/engine/engine';
import { eventually, LAST_RESORT_MS } from '../../test/support/deadline';
import type { HttpAnswer } from '../../test/support/http-client';
import { startService, type LogLine, type RunningService } from '../../test/support/service';
import type { SlowRequest } from '../../test/support/slow-request';
import { openEvents, readEvents } from '../../test/support/sse-client';
import type { SseEvent, SseReading, SseStream } from '../../test/support/sse-stream';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';

type EngineOptions = NonNullable<Parameters<typeof startEngine>[0]>;

/**
 * One scenario's world: a service of its own in a process of its own, started when it is first needed so that Given steps
 * can set its environment, and reached over HTTP only. What it logs is read from its output.
 */
export class ServiceWorld extends World {
  readonly env: Record<string, string> = {
    AUTH_TOKEN: 'worker-token',
    ORCHD_PROBE_INTERVAL_MS: '100',
    ORCHD_HANDOFF_WATCH_INTERVAL_MS: '100',
  };
  /** Headers of the next requests; an undefined one is not sent. */
  headers: Record<string, string | undefined> = {};
  answers: HttpAnswer[] = [];
  reading: SseReading | undefined;
  stream: SseStream | undefined;
  /** Where a step does not wait for it. */
  stopping: Promise<void> | undefined;
  /** A request that is sent piece by piece. */
  slow: SlowRequest | undefined;
  /** Names that a scenario uses → what they are in this run (an artifact's real id). */
  readonly names = new Map<string, string>();
  /** Error lines that a step has expected. */
  readonly expectedErrors = new Set<string>();
  /** Made by {@link begin}. */
  folder!: TemporaryFolder;
  readonly engines: RunningEngine[] = [];
  /** Ids of the tasks that were accepted, in the order of their admissions. */
  readonly submitted: string[] = [];
  /** When each was sent, of `performance.now()`. */
  readonly sentMs = new Map<string, number>();
  private running: RunningService | undefined;
  private readonly formerLogs: LogLine[] = [];
  private readonly endings: (() => Promise<unknown>)[] = [];

  /** Before the first step. Not when the World is made: one is made for each scenario that is only counted, too. */
  begin(): void {
    this.folder = temporaryFolder();
    this.env['ORCHD_DATA_DIR'] = join(this.folder.path, 'data');
    this.env['ORCHD_RUNTIME_DIR'] = join(this.folder.path, 'engines');
    this.env['ORCHD_MODELS_DIR'] = join(this.folder.path, 'models');
    mkdirSync(this.env['ORCHD_RUNTIME_DIR']);
    mkdirSync(this.env['ORCHD_MODELS_DIR']);
  }

  async service(): Promise<RunningService> {
    return (this.running ??= await startService({ env: this.env }));
  }

  /** The service as far as it was started. */
  get started(): RunningService | undefined {
    return this.running;
  }

  /** All that the scenario's services have logged, those before a restart included. */
  get logged(): readonly LogLine[] {
    return [...this.formerLogs, ...(this.running?.logs() ?? [])];
  }

  /** Stops the service; the next need starts it again on the same folders. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    const before = await this.service();
    this.running = undefined;
    await before.stop(signal);
    this.formerLogs.push(...before.logs());
  }

  /** What a step started beside the service and its engines is ended with the scenario. */
  atEnd(end: () => Promise<unknown>): void {
    this.endings.push(end);
  }

  async engine(options: EngineOptions = {}): Promise<RunningEngine> {
    const engine = await startEngine({ slots: 4, tokensPerSecond: 200, ...options });
    this.engines.push(engine);
    return engine;
  }

  /** The one that a scenario calls "the engine": its first. */
  get theEngine(): RunningEngine {
    const [engine] = this.engines;
    assert.ok(engine, 'this scenario has no engine');
    return engine;
  }

  /** The one that a step before has just started: "it". */
  get lastEngine(): RunningEngine {
    const engine = this.engines.at(-1);
    assert.ok(engine, 'this scenario has no engine');
    return engine;
  }

  /** The one that a scenario calls "the pool": the last that a step has named. */
  get poolId(): string {
    const poolId = this.names.get('pool');
    assert.ok(poolId, 'no step has named a pool');
    return poolId;
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | undefined> = {},
  ): Promise<HttpAnswer> {
    const service = await this.service();
    const options = { headers: { ...this.headers, ...headers }, ...(body !== undefined && { body: body as object }) };
    const answer = await service.request(method, path, options);
    if (method !== 'HEAD' && method !== 'OPTIONS' && path.startsWith('/v1/')) assertValid(method, path, answer);
    this.answers.push(answer);
    return answer;
  }

  /** Asks on the side: what a Then step looks up is not the scenario's answer. */
  async look(path: string): Promise<HttpAnswer> {
    const answer = await this.request('GET', path);
    this.answers.pop();
    return answer;
  }

  get answer(): HttpAnswer {
    const answer = this.answers.at(-1);
    assert.ok(answer, 'no request was made yet');
    return answer;
  }

  /** The last answer's body as JSON. */
  get json(): Record<string, unknown> {
    return this.answer.json();
  }

  async enqueue(task: Record<string, unknown> = {}): Promise<HttpAnswer> {
    const answer = await this.request('POST', '/v2/tasks', { prompt: 'Say hello.', max_tokens: 8, ...task });
    if (answer.status === 202) this.submitted.push(String(answer.json()['task_id']));
    return answer;
  }

  /** Submits a task that must be accepted; what it answered is not the scenario's answer. */
  async accepted(taskId: string, task: Record<string, unknown> = {}): Promise<void> {
    this.sentMs.set(taskId, performance.now());
    const answer = await this.enqueue({ task_id: taskId, ...task });
    this.answers.pop();
    assert.equal(answer.status, 202, answer.text);
  }

  async state(taskId: string): Promise<string> {
    return String((await this.look(`/v2/tasks/${taskId}`)).json()['state']);
  }

  /** Binds an engine to a pool and waits until it is ready there. */
  async bound(
    engine: RunningEngine,
    poolId: string,
    replicaId = 'r0',
    more: Record<string, unknown> = {},
  ): Promise<void> {
    await this.register(poolId, replicaId, { url: engine.url, ...more });
    await this.until(`/v2/pools/${poolId}`, pool =>
      ((pool['replicas'] ?? []) as Record<string, unknown>[]).some(
        replica => replica['replica_id'] === replicaId && replica['ready'] === true,
      ),
    );
  }

  async register(poolId: string, replicaId: string, more: Record<string, unknown> = {}): Promise<void> {
    this.names.set('pool', poolId);
    const answer = await this.request(
      'POST',
      '/v2/workers/register',
      { pool_id: poolId, replica_id: replicaId, ...more },
      { Authorization: `Bearer ${this.env['AUTH_TOKEN'] ?? ''}` },
    );
    this.answers.pop();
    assert.equal(answer.status, 200, answer.text);
  }

  async readTask(taskId: string, options: Parameters<typeof readEvents>[1] = {}): Promise<SseReading> {
    const service = await this.service();
    this.reading = await readEvents(this.eventsUrl(service, taskId), { ...options, headers: this.keyed(service) });
    return this.reading;
  }

  async openTask(taskId: string): Promise<SseStream> {
    const service = await this.service();
    this.stream = await openEvents(this.eventsUrl(service, taskId), { headers: this.keyed(service) });
    return this.stream;
  }

  events(type: string): readonly SseEvent[] {
    return (this.reading?.events ?? []).filter(event => event.type === type);
  }

  /** Waits until a GET satisfies a condition. */
  async until(
    path: string,
    wanted: (body: Record<string, unknown>) => boolean,
    deadlineMs = LAST_RESORT_MS,
  ): Promise<Record<string, unknown>> {
    return eventually(async () => (await this.look(path)).json(), wanted, deadlineMs);
  }

  async waitForLog(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    return (await this.service()).waitForLog(wanted);
  }

  /** The value of a metric's sample, 0 where it has none; labels that are not named may be anything. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const { text } = await this.look('/metrics');
    const samples = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    const matching = samples.filter(line =>
      Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)),
    );
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  writeHandoff(file: string, content: unknown): void {
    const folder = this.env['ORCHD_RUNTIME_DIR'] ?? '';
    const { pool_id: poolId } = Object(content) as { readonly pool_id?: unknown };
    if (typeof poolId === 'string') this.names.set('pool', poolId);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, file);
    writeFileSync(`${path}.tmp`, typeof content === 'string' ? content : JSON.stringify(content));
    renameSync(`${path}.tmp`, path);
  }

  async close(): Promise<void> {
    this.stream?.close();
    const ends: Promise<unknown>[] = [
      ...(this.running ? [this.running.stop('SIGKILL')] : []),
      ...this.engines.map(engine => engine.stop()),
      ...this.endings.map(end => end()),
    ];
    const outcomes = await Promise.allSettled(ends);
    this.folder.remove();
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  private eventsUrl(service: RunningService, taskId: string): string {
    const [id = '', query] = taskId.split('?');
    return `${service.url}/v2/tasks/${encodeURIComponent(id)}/events${query === undefined ? '' : `?${query}`}`;
  }

  private keyed(service: RunningService): Record<string, string> {
    return { 'X-API-Key': service.apiKey };
  }
}

/** Whatever a scenario is about: an answer of OpenAI's API keeps to its specification. */
function assertValid(method: string, path: string, { status, headers, text }: HttpAnswer): void {
  const contentType = headers['content-type'] ?? '';
  if (text !== '') assert.deepEqual(answerFaults(path, { status, contentType, text }, method), [], text.slice(0, 500));
}

setWorldConstructor(ServiceWorld);
