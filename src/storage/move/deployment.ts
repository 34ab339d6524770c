import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { RedisStore } from '../redis/connection/redis-store';
import { explained } from '../redis/connection/store-faults';
import { RedisApiRecords } from '../redis/redis-api-records';
import { RedisArtifacts } from '../redis/redis-artifacts';
import { RedisCatalog } from '../redis/redis-catalog';
import { RedisContents } from '../redis/redis-contents';
import { timeScript } from '../redis/scripts/move-scripts';
import { MoveRefused } from './moved';

/** Nodes that are there hear a channel; one that has just connected does so within this time. */
const LOOK_MS = 50;
/** A note in a journal, a key of its own on a store. */
export const ENGINE_SEEN = 'engine_seen';

/** A deployment on a Redis or Valkey, as nodes have it. */
export class Deployment {
  readonly store: RedisStore;
  readonly catalog: RedisCatalog;
  readonly artifacts: RedisArtifacts;
  readonly records: RedisApiRecords;
  readonly contents: RedisContents;
  /** What artifacts are stamped with: set before each put. */
  readonly clock = Object.assign(new Clock(), { wall: 0, wallMs: (): number => this.clock.wall });
  readonly time = Object.assign(new RunningTime(), { now: 0, nowMs: (): number => this.time.now });

  constructor(
    readonly config: Config,
    narrator: Narrator,
    readonly name: string,
  ) {
    this.store = new RedisStore(config, narrator);
    this.catalog = new RedisCatalog(this.store);
    this.artifacts = new RedisArtifacts(config, this.store, this.clock, this.time);
    this.records = new RedisApiRecords(this.store);
    this.contents = new RedisContents(config, this.store);
  }

  key(name: string): string {
    return `${this.store.prefix}:${name}`;
  }

  async nowMs(): Promise<number> {
    return Number(await this.store.run(timeScript));
  }

  /** @throws MoveRefused where nodes are there */
  async assertQuiet(): Promise<void> {
    await pause(LOOK_MS);
    const [, nodes] = (await this.store
      .call('PUBSUB', 'SHARDNUMSUB', this.key('wake'))
      .catch((thrown: Error & { cause?: Error }) => {
        throw explained(thrown.cause ?? thrown, this.config);
      })) as readonly [string, number];
    if (Number(nodes) > 0)
      throw new MoveRefused(`${this.name} has ${nodes === 1 ? 'a node' : `${nodes} nodes`} running: stop them first`);
  }
}
