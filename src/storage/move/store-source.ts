import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import type { KeptBinding, KeptDrain } from '../../pools/registry/pool-store.port';
import type { TaskEvent } from '../../tasks/task/task';
import { toSpend } from '../embedded/session-amounts';
import type { RedisStore } from '../redis/connection/redis-store';
import { decodeEvents } from '../redis/event-writer';
import { fieldsOf, recordOf, type TaskFields } from '../redis/task-fields';
import { Deployment, ENGINE_SEEN } from './deployment';
import { artifactsOf, contentsOf, modelsOf, recordsOf } from './in-pages';
import { MoveRefused, type Moved, type MovedKind, type MoveSource } from './moved';

const PAGE = 200;

/** What nodes have left on a store. */
export class StoreSource implements MoveSource {
  readonly name: string;

  constructor(private readonly on: Deployment) {
    this.name = on.name;
  }

  static of(config: Config, narrator: Narrator, name: string): StoreSource {
    return new StoreSource(new Deployment(config, narrator, name));
  }

  async open(): Promise<void> {
    await this.on.store.open();
    await this.on.assertQuiet();
    // Leases of nodes that were killed are over by then; one that is cut off is not heard of before.
    const [, latest] = (await this.call('ZRANGE', 'leases', '-1', '-1', 'WITHSCORES')) as readonly string[];
    if (Number(latest ?? 0) > (await this.on.nowMs()))
      throw new MoveRefused(`${this.name} has tasks that a node may still be running: wait ten seconds, and try again`);
  }

  nowMs(): Promise<number> {
    return this.on.nowMs();
  }

  async *all<K extends MovedKind>(kind: K): AsyncGenerator<Moved[K]> {
    yield* this.of(kind) as AsyncIterable<Moved[K]>;
  }

  assertQuiet(): Promise<void> {
    return this.on.assertQuiet();
  }

  close(): Promise<void> {
    return this.on.store.close();
  }

  private async *of(kind: MovedKind): AsyncGenerator<Moved[MovedKind]> {
    switch (kind) {
      case 'notes':
        yield* await this.notes();
        return;
      case 'bindings':
        yield* await this.bindings();
        return;
      case 'drains':
        yield* (await this.hash('drains')).map(([, text]) => JSON.parse(text) as KeptDrain);
        return;
      case 'models':
        yield* modelsOf(this.on.catalog);
        return;
      case 'sessions':
        yield* this.sessions();
        return;
      case 'tasks':
        yield* this.tasks();
        return;
      case 'artifacts':
        yield* artifactsOf(this.on.artifacts);
        return;
      case 'records':
        yield* recordsOf(this.on.records);
        return;
      case 'contents':
        yield* contentsOf(this.on.records, this.on.contents);
        return;
    }
  }

  private async notes(): Promise<readonly [string, string][]> {
    const notes = await this.hash('notes');
    const hadEngine = (await this.call('GET', 'engineSeen')) !== null;
    return sorted(hadEngine ? [...notes, [ENGINE_SEEN, 'yes'] as [string, string]] : notes);
  }

  private async bindings(): Promise<readonly KeptBinding[]> {
    const kept = (await this.hash('bindings')).map(([, text]) => JSON.parse(text) as KeptBinding & { by?: string });
    return kept.filter(({ source }) => source === 'worker').map(({ by: _node, ...binding }) => binding);
  }

  private async *sessions(): AsyncGenerator<Moved['sessions']> {
    const ids = new Set((await this.call('ZRANGE', 'idle', '0', '-1')) as readonly string[]);
    for (const id of await this.liveIds()) ids.add(String(await this.call('HGET', `t:${id}`, 'sid')));
    for (const sessionId of [...ids].sort()) {
      const known = fieldsOf(await this.call('HGETALL', `s:${sessionId}`));
      if (known?.get('used') !== '1' || known.get('own') === '1') continue;
      const [tokens, timeMs, microCost] = ['st', 'sm', 'sc'].map(name => Number(known.get(name))) as [
        number,
        number,
        number,
      ];
      yield { sessionId, ...toSpend({ tokens, timeMs, microCost }), turns: Number(known.get('turns')) };
    }
  }

  /** Live ones as they are served, then the others, newest first. */
  private async *tasks(): AsyncGenerator<Moved['tasks']> {
    const live: Moved['tasks'][] = [];
    for (const id of await this.liveIds()) {
      const fields = fieldsOf(await this.call('HGETALL', `t:${id}`));
      if (fields?.get('st') === 'e' && !fields.has('place'))
        throw new MoveRefused(
          `task ${id} of ${this.name} is about to end: start a node until it has, and stop it again`,
        );
      if (fields) live.push(await this.taskOf(fields));
    }
    live.sort(({ facts: a }, { facts: b }) => a.orderKey - b.orderKey || a.seq - b.seq);
    yield* live;
    for (let before = '+inf'; ;) {
      const range = [before, '-inf', 'WITHSCORES', 'LIMIT', '0', String(PAGE)];
      const page = (await this.call('ZREVRANGEBYSCORE', 'all', ...range)) as readonly string[];
      for (let at = 0; at < page.length; at += 2) {
        const fields = fieldsOf(await this.call('HGETALL', `t:${page[at]}`));
        if (fields?.get('st') === 'x') yield await this.taskOf(fields);
      }
      if (page.length < 2 * PAGE) return;
      before = `(${page.at(-1)}`;
    }
  }

  private async taskOf(fields: TaskFields): Promise<Moved['tasks']> {
    const { spec, facts, placement, ending } = recordOf(fields, true);
    const isTold = ending?.transcriptArtifactId !== undefined;
    return {
      ...{ spec, facts },
      firstTokenMarked: fields.has('place'),
      ...(placement && { placement }),
      ...(ending && { ending }),
      events: isTold ? [] : await this.eventsOf(spec.taskId),
    };
  }

  private async eventsOf(taskId: string): Promise<readonly TaskEvent[]> {
    const entries = (await this.call('XRANGE', `e:${taskId}`, '-', '+')) as readonly (readonly [string, string[]])[];
    return entries.flatMap(([, [, text = '[]']]) => decodeEvents(text));
  }

  private async liveIds(): Promise<readonly string[]> {
    return (await this.call('SMEMBERS', 'live')) as readonly string[];
  }

  private async hash(name: string): Promise<readonly [string, string][]> {
    return sorted([...(fieldsOf(await this.call('HGETALL', name)) ?? [])]);
  }

  private call(command: string, name: string, ...rest: readonly string[]): ReturnType<RedisStore['call']> {
    return this.on.store.call(command, this.on.key(name), ...rest);
  }
}

function sorted(entries: readonly [string, string][]): readonly [string, string][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
