import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { adopt, fleetSettings } from '../../config/fleet-settings';
import { Narrator } from '../../observability/narrator';
import { layoutVersion } from './connection/store-layout';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';
import { leaveScript, presentScript } from './scripts/presence-scripts';
import { fieldsOf } from './task-fields';

/** The truth of what hints tell of. */
const LOOK_MS = 1000;

type Answer = readonly [layout: string | null, version: number, settings: string[], changed: string[], nodes: number];

/**
 * Says that a node is here, and hears what holds for all of them: the settings of the one that started last, and the version of the keys, at which
 * one that is too old stops in order.
 */
@Injectable()
export class NodePresence implements OnModuleInit, OnModuleDestroy {
  private readonly own = fleetSettings(this.config);
  /** What this node knows. */
  private readonly layout = layoutVersion();
  private version = -1;
  private hasSaid = false;
  private isOutdated = false;
  private looking: Promise<void> | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private readonly subscriptions = new Subscription();
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly node: NodeBeat,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.stopListening = this.store.listen('nodes', () => void this.look());
    this.subscriptions.add(this.store.up$.subscribe(() => void this.look()));
    this.subscriptions.add(this.store.newer$.subscribe(layout => this.judge(layout)));
    this.ticker = setInterval(() => void this.look(), LOOK_MS);
    this.ticker.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.ticker);
    this.stopListening?.();
    this.subscriptions.unsubscribe();
    // Best effort: it is taken for gone a while later.
    if (this.store.isUp) await this.store.run(leaveScript, this.node.nodeId).catch(() => undefined);
  }

  /** As a signal would: whoever supervises it sees an end in order, and a start that says why. */
  stop(): void {
    process.kill(process.pid, 'SIGTERM');
  }

  /** Never rejects: while the store is away everything stays as it was. */
  look(): Promise<void> {
    if (!this.store.isUp) return Promise.resolve();
    this.looking ??= this.ask()
      .catch(() => undefined)
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async ask(): Promise<void> {
    const facts = JSON.stringify({ layout: this.layout, pid: process.pid });
    const settings = JSON.stringify(Object.fromEntries(this.own));
    const says = this.hasSaid ? 0 : 1;
    const reply = await this.store.run(presentScript, this.node.nodeId, facts, settings, says, this.version);
    const [layout, version, texts, changed, nodes] = reply as unknown as Answer;
    if (!this.hasSaid && nodes > 1) this.tellChanged(changed);
    this.hasSaid = true;
    this.judge(Number(layout));
    if (version === this.version) return;
    this.version = version;
    this.take(fieldsOf(texts) ?? new Map<string, string>());
  }

  private take(texts: ReadonlyMap<string, string>): void {
    for (const { env, now } of adopt(this.config, texts)) {
      const own = this.own.get(env);
      const human =
        own === now
          ? `${env} is ${now} again at all nodes, as it is set here.`
          : `${env} is ${now} from now on, as at the node that started last; here it is set to ${own}.`;
      this.narrator.warn(human, { event: 'setting_adopted', setting: env });
    }
  }

  private tellChanged(changed: readonly string[]): void {
    for (let at = 0; at < changed.length; at += 2) {
      const [env = '', before] = [changed[at], changed[at + 1]];
      const human = `${env} was ${before} at the other nodes, and is ${this.own.get(env)} at all from now on, as it is set here.`;
      this.narrator.warn(human, { event: 'setting_changed', setting: env });
    }
  }

  private judge(layout: number): void {
    if (!(layout > this.layout) || this.isOutdated) return;
    this.isOutdated = true;
    const human = `The keys of the deployment are of version ${layout} now, and this node knows version ${this.layout}: it is too old, and stops in order.`;
    this.narrator.warn(human, { event: 'store_newer' });
    this.stop();
  }
}
