import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { atMost } from '../embedded/session-amounts';
import { explained } from '../redis/connection/store-faults';
import { layoutVersion, MOVING } from '../redis/connection/store-layout';
import type { Store } from '../redis/connection/store';
import { StoreLink } from '../redis/connection/store-link';
import { importSessionScript, timeScript } from '../redis/scripts/move-scripts';
import { savePoolsScript } from '../redis/scripts/pool-scripts';
import { Deployment, ENGINE_SEEN } from './deployment';
import { MoveRefused, type Moved, type MovedKind, type MoveSource, type MoveTarget } from './moved';
import { StoreSource } from './store-source';
import { putTask } from './store-tasks';

/** A deployment that is made by the move: until it is whole no node starts on it. */
export class StoreTarget implements MoveTarget {
  readonly name: string;
  private readonly on: Deployment;
  private lastSeq = 0;

  constructor(config: Config, narrator: Narrator, name: string) {
    this.name = name;
    this.on = new Deployment(config, narrator, name);
  }

  async begin(): Promise<void> {
    await this.clearUnfinished();
    await this.on.store.open();
    await this.on.assertQuiet();
    const found = (await this.keys()).filter(key => key !== this.on.key('schema'));
    if (found.length > 0)
      throw new MoveRefused(
        `deployment ${this.on.config.storeDeployment} of ${this.name} is not empty: it has ${found.length} keys; name another in ORCHD_STORE_DEPLOYMENT`,
      );
    await this.on.store.call('SET', this.on.key('schema'), MOVING);
  }

  nowMs(): Promise<number> {
    return this.on.nowMs();
  }

  async put<K extends MovedKind>(kind: K, item: Moved[K]): Promise<void> {
    const { store, config } = this.on;
    const puts: { readonly [Kind in MovedKind]: (moved: Moved[Kind]) => Promise<unknown> } = {
      notes: ([name, text]) =>
        name === ENGINE_SEEN
          ? store.call('SET', this.on.key('engineSeen'), text)
          : store.call('HSET', this.on.key('notes'), name, text),
      bindings: binding =>
        store.run(
          savePoolsScript,
          'bindings',
          `${binding.poolId}/${binding.replicaId}`,
          JSON.stringify({ ...binding, by: '' }),
        ),
      drains: drain => store.run(savePoolsScript, 'drains', drain.poolId, JSON.stringify(drain)),
      models: model => this.on.catalog.create(model),
      sessions: ({ sessionId, turns, ...spend }) => {
        const { tokens, timeMs, microCost } = atMost(spend);
        const { sessionTtlMs, sessionsMax } = config;
        return store.run(importSessionScript, sessionId, tokens, timeMs, microCost, turns, sessionTtlMs, sessionsMax);
      },
      tasks: task => {
        this.lastSeq = Math.max(this.lastSeq, task.facts.seq);
        return putTask(config, store, task);
      },
      artifacts: ({ info, json }) => {
        this.on.clock.wall = info.createdAtMs;
        this.on.time.now = info.storedAtMs;
        return this.on.artifacts.put({ id: info.id, json }, info.kind, info.taskId);
      },
      records: record => this.on.records.insert(record),
      contents: ({ id, atByte, piece }) => this.on.contents.append(id, atByte, piece),
    };
    await puts[kind](item);
  }

  async written(): Promise<MoveSource> {
    await this.on.store.call('SET', this.on.key('seq'), String(this.lastSeq));
    return new Written(this.on);
  }

  /** Durable as everything is that nodes write. */
  async finish(): Promise<void> {
    await this.on.store.call('SET', this.on.key('schema'), String(layoutVersion()));
    await this.on.store.runDurably(timeScript);
  }

  close(): Promise<void> {
    return this.on.store.close();
  }

  private async clearUnfinished(): Promise<void> {
    let link: StoreLink | undefined;
    try {
      link = await StoreLink.connect(this.on.config, () => undefined);
      const opened = link;
      const schema = this.on.key('schema');
      if ((await link.send(['GET', schema])) !== MOVING) return;
      const { prefix } = this.on.store;
      const found = await keysOf((...words) => opened.send(words), prefix);
      for (const key of found.filter(name => name !== schema)) await link.send(['DEL', key]);
      await link.send(['DEL', schema]);
    } catch (thrown) {
      throw explained(thrown as Error, this.on.config);
    } finally {
      link?.break();
    }
  }

  private async keys(): Promise<readonly string[]> {
    return keysOf((...words) => this.on.store.call(...words), this.on.store.prefix);
  }
}

/** It is closed with the target that wrote it. */
class Written extends StoreSource {
  override async close(): Promise<void> {}
}

async function keysOf(call: Store['call'], prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const scan = ['SCAN', cursor, 'MATCH', `${prefix}:*`, 'COUNT', '1000'];
    const [next, keys] = (await call(...scan)) as readonly [string, readonly string[]];
    found.push(...keys);
    cursor = next;
  } while (cursor !== '0');
  return found;
}
