import { isDeepStrictEqual } from 'node:util';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { Random } from '../crash/random';
import { eventually } from '../support/deadline';
import type { HttpAnswer } from '../support/http-client';
import type { RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';

type Json = Record<string, unknown>;

const REPLICAS = ['p/r0', 'p/r1', 'q/r0'] as const;
const POOLS = ['p', 'q'] as const;
const MODELS = ['tiny-a', 'tiny-b'] as const;
const ENTRIES = ['m-1', 'm-2'] as const;
const SESSIONS = ['ada', 'bob'] as const;
/** For the pool that every node has by its configuration, and that nothing is ordered of. */
const SHORT = { prompt: 'Go.', max_tokens: 3, placement: { pin_pool_id: 'default' } };
/** Until all is quiet after the last order. */
const QUIET_MS = 30_000;
/** For a task, once its pool takes work. */
const SERVED_MS = 10_000;
/** Of the operator's orders, what may be said by those that come too early, too late, or beside another. */
const REFUSALS = [404, 409, 502, 503, 504];

/** Orders about all that nodes share, at any of them, at once and one after another; then whether they tell the same. */
export class PoolOrders {
  private readonly engines: RunningEngine[] = [];
  private isCalm = true;

  constructor(
    private readonly nodes: () => readonly RunningService[],
    private readonly random: Random,
  ) {}

  /** An engine for each replica, of two models. */
  async start(): Promise<void> {
    for (let count = 0; count < REPLICAS.length; count++)
      this.engines.push(
        await startEngine({ slots: 2, tokensPerSecond: 1000, routerModels: [...MODELS], loadMs: 20, noticeMs: 20 }),
      );
  }

  async stop(): Promise<void> {
    for (const engine of this.engines) await engine.stop();
  }

  /**
   * What was not as it should be.
   * @param beside what befalls the nodes meanwhile; is over before they are compared
   */
  async round(bursts: number, beside?: () => Promise<string>): Promise<readonly string[]> {
    const done: string[] = [];
    const faults: string[] = [];
    this.isCalm = beside === undefined;
    const befallen = beside?.();
    for (let burst = 0; burst < bursts; burst++) {
      const orders = Array.from({ length: 1 + this.random.below(4) }, () => this.draw());
      done.push(`[${orders.map(({ name }) => name).join(' | ')}]`);
      const answers = await Promise.all(orders.map(({ order }) => order()));
      faults.push(...answers.filter(answer => answer !== ''));
    }
    done.push((await befallen) ?? '');
    for (const node of this.nodes()) await this.folderSeen(node);
    faults.push(...(await this.disagreement()), ...(await this.unserved()));
    return faults.length === 0 ? [] : [...faults, `after ${done.join(' ')}`];
  }

  private draw(): { readonly name: string; readonly order: () => Promise<string> } {
    const nodes = this.nodes();
    const at = this.random.below(nodes.length);
    const node = nodes[at] as RunningService;
    const pool = this.random.pick(POOLS);
    const replica = this.random.pick(REPLICAS);
    const model = this.random.pick(ENTRIES);
    const { random } = this;
    const said = (name: string, order: () => Promise<string>) => ({ name: `${at}: ${name}`, order });
    const posted = (path: string, body?: object) =>
      said(`${path}${body ? ` ${JSON.stringify(body)}` : ''}`, () => this.ask(node, 'POST', path, body));
    const deleted = (path: string) => said(`DELETE ${path}`, () => this.ask(node, 'DELETE', path));
    const kinds: (() => { readonly name: string; readonly order: () => Promise<string> })[] = [
      () => posted(`/v2/pools/${pool}/drain`, { deadline_ms: random.pick([1, 60_000]) }),
      () => posted(`/v2/pools/${pool}/undrain`),
      () => posted(`/v2/pools/${pool}/reload`, { new_model_ref: random.pick(MODELS) }),
      () => posted(`/v2/pools/${pool}/purge`, { drain_first: random.next() < 0.7, force: random.next() < 0.3 }),
      () => said(`register ${replica}`, () => this.register(node, replica)),
      () => said(`register ${replica}`, () => this.register(node, replica)),
      () => deleted(`/v2/workers/${replica}`),
      () => said(`file of ${replica}`, async () => this.file(node, replica)),
      () => said(`no file of ${replica}`, async () => this.noFile(node, replica)),
      () => posted('/v2/catalog/models', { id: model }),
      () => posted(`/v2/catalog/models/${model}/state`, { state: random.pick(['Active', 'Retired']), deadline_ms: 0 }),
      () => posted(`/v2/catalog/models/${model}/verify`),
      () => deleted(`/v2/catalog/models/${model}`),
      () => posted('/v2/tasks', { ...SHORT, session_id: random.pick(SESSIONS) }),
      () => deleted(`/v2/sessions/${random.pick(SESSIONS)}`),
    ];
    return random.pick(kinds)();
  }

  /** A refusal is an answer; a fault is none. */
  private async ask(node: RunningService, method: string, path: string, body?: object): Promise<string> {
    return this.wrongIn(`${method} ${path}`, node.request(method, path, body ? { body } : {}));
  }

  private async register(node: RunningService, name: string): Promise<string> {
    const [pool_id, replica_id] = name.split('/');
    const slots_total = this.random.pick([1, 2]);
    const ttl = this.random.next() < 0.3 ? { ttl_ms: 600_000 } : {};
    const registered = node.request('POST', '/v2/workers/register', {
      body: { pool_id, replica_id, engine: 'llamacpp', url: this.urlOf(name), slots_total, ...ttl },
      headers: { Authorization: 'Bearer worker-token' },
    });
    return this.wrongIn(`register ${name}`, registered);
  }

  private async wrongIn(what: string, asked: Promise<HttpAnswer>): Promise<string> {
    try {
      const { status, text } = await asked;
      return status < 300 || REFUSALS.includes(status) ? '' : `${what}: ${status} ${text}`;
    } catch (thrown) {
      // A node that is killed answers nothing.
      return this.isCalm ? `${what}: ${String(thrown)}` : '';
    }
  }

  private file(node: RunningService, name: string): string {
    const [pool_id, replica_id] = name.split('/');
    mkdirSync(node.runtimeDir, { recursive: true });
    const text = JSON.stringify({ url: this.urlOf(name), pool_id, replica_id, engine: 'llamacpp' });
    writeFileSync(this.pathOf(node, name), text);
    return '';
  }

  private noFile(node: RunningService, name: string): string {
    const path = this.pathOf(node, name);
    if (existsSync(path)) rmSync(path);
    return '';
  }

  /**
   * Resolves once all that was written to and taken from the node's folder so far has been followed. Until then a pool may be told of, and be
   * given a task, whose engine is about to be unbound.
   */
  private async folderSeen(node: RunningService): Promise<void> {
    const last = 'last.json';
    const path = join(node.runtimeDir, last);
    const isKnown = async (): Promise<boolean> => {
      const { items } = (await node.request('GET', '/v2/handoff')).json<{ items: readonly { file: string }[] }>();
      return items.some(({ file }) => file === last);
    };
    mkdirSync(node.runtimeDir, { recursive: true });
    // Of no engine. The look that finds it finds all that was done before; when the next one misses it, that look is over.
    writeFileSync(path, '{}');
    await eventually(isKnown, known => known);
    rmSync(path);
    await eventually(isKnown, known => !known);
  }

  private pathOf({ runtimeDir }: RunningService, name: string): string {
    return join(runtimeDir, `${name.replace('/', '-')}.json`);
  }

  private urlOf(name: string): string {
    return this.engines[REPLICAS.findIndex(each => each === name)]?.url ?? '';
  }

  private async disagreement(): Promise<readonly string[]> {
    try {
      await eventually(
        () => Promise.all(this.nodes().map(toldBy)),
        told => told.every(each => isDeepStrictEqual(each, told[0])) && isAtRest(told[0] ?? {}),
        QUIET_MS,
      );
      return [];
    } catch {
      const told = await Promise.all(this.nodes().map(toldBy));
      const others = told
        .slice(1)
        .flatMap((each, at) => differences(told[0] ?? {}, each).map(one => `0 and ${at + 1}: ${one}`));
      return others.length > 0
        ? others
        : [`all tell that something is under way yet: ${JSON.stringify(told[0]?.['pools'])}`];
    }
  }

  /** Pools that are taken back, at any node, serve tasks at all. */
  private async unserved(): Promise<readonly string[]> {
    const faults: string[] = [];
    const { pools } = await toldBy(this.nodes()[0] as RunningService);
    for (const { pool_id: pool, replicas } of pools as readonly { pool_id: string; replicas: readonly Json[] }[]) {
      await this.ask(this.random.pick(this.nodes()), 'POST', `/v2/pools/${pool}/undrain`);
      if (replicas.length === 0 || pool === 'default') continue;
      for (const [at, node] of this.nodes().entries()) faults.push(...(await this.serves(node, pool, at)));
    }
    return faults;
  }

  private async serves(node: RunningService, pool: string, at: number): Promise<readonly string[]> {
    const tasks = new TaskClient(node);
    try {
      const { text } = await eventually(
        async () => {
          // A drain that a node which was cut off has yet to keep may come in after the one that took it back.
          if (!this.isCalm) await this.ask(node, 'POST', `/v2/pools/${pool}/undrain`);
          return tasks.post({ model_ref: MODELS[0], placement: { pin_pool_id: pool }, max_tokens: 2 });
        },
        ({ status }) => status === 202,
        SERVED_MS,
      );
      await tasks.reached(String((JSON.parse(text) as Json)['task_id']), 'completed', SERVED_MS);
      return [];
    } catch (thrown) {
      return [`pool ${pool} serves nothing at node ${at}: ${String(thrown)}`];
    }
  }
}

/** All that is to be the same at each node; what a node has seen by itself, and when, is its own. */
async function toldBy(node: RunningService): Promise<Json> {
  const told = async (path: string): Promise<Json> => (await node.request('GET', path)).json();
  const [pools, workers, models, ...sessions] = await Promise.all([
    told('/v2/pools'),
    told('/v2/workers'),
    told('/v2/catalog/models'),
    ...SESSIONS.map(session => told(`/v2/sessions/${session}`)),
  ]);
  return {
    pools: (pools?.['items'] as Json[]).map(({ replicas, ...pool }) => ({
      ...pool,
      replicas: byName((replicas as Json[]).map(withoutTimes)),
    })),
    workers: (workers?.['items'] as Json[]).map(withoutTimes),
    models: models?.['items'],
    sessions: sessions.map(({ ttl_ms_remaining: _left, ...session }) => session),
    capabilities: await told('/v2/meta/capabilities'),
  };
}

function withoutTimes({ bound_ms: _bound, last_seen_ms: _seen, ...replica }: Json): Json {
  return replica;
}

function byName(replicas: readonly Json[]): readonly Json[] {
  return [...replicas].sort((a, b) => (String(a['replica_id']) < String(b['replica_id']) ? -1 : 1));
}

/** No reload, purge or task is under way, and every engine was heard of. */
function isAtRest({ pools }: Json): boolean {
  return (pools as Json[]).every(({ reloading, metrics, replicas }) => {
    const { running, releasing, queue_depth } = metrics as Json;
    const areReady = (replicas as Json[]).every(({ ready, leaving }) => ready === true && leaving === false);
    return reloading === false && running === 0 && releasing === 0 && queue_depth === 0 && areReady;
  });
}

/** What two nodes tell differently: the smallest members that differ. */
function differences(one: unknown, other: unknown, path = ''): readonly string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return [`${path} is ${JSON.stringify(one)} and ${JSON.stringify(other)}`];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap(name => differences((one as Json)[name], (other as Json)[name], `${path}.${name}`));
}
