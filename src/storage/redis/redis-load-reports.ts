import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { LoadReports, REPORT_MAX_CHARS } from '../../tasks/prediction/load-reports.port';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';

const LOOK_MS = 100;
const EVERY_MS = 1000;
/** A report of what has changed follows another this soon; a long one later: a node sends some 8 KB a second at most. */
const PROMPT_MS = 200;
const CHARACTERS_A_MS = 8;
const CHANNEL = 'loads';

/** Reports go over a channel of the deployment: the store keeps none, so nobody has to clear up after a node that is no more. */
@Injectable()
export class RedisLoadReports extends LoadReports implements OnModuleDestroy {
  override readonly hasPeers = true;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  /** A store that stands still is not given more of them: they would all come at once, and late. */
  private isUnderWay = false;
  private hasChanged = false;
  /** Since it was asked last, in steps of the ticker. */
  private silentMs = 0;
  /** How long it is not asked again, whatever changes. */
  private pauseMs = PROMPT_MS;

  constructor(
    private readonly store: Store,
    private readonly node: NodeBeat,
  ) {
    super();
  }

  begin(report: () => string | undefined, receive: (node: string, text: string) => void): void {
    this.stopListening = this.store.listen(CHANNEL, message => {
      const [node] = message.split(' ', 1) as [string];
      if (node !== this.node.nodeId) receive(node, message.slice(node.length + 1));
    });
    this.ticker = setInterval(() => this.look(report), LOOK_MS);
    this.ticker.unref();
  }

  changed(): void {
    this.hasChanged = true;
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  private look(report: () => string | undefined): void {
    this.silentMs += LOOK_MS;
    const isDue = this.silentMs >= (this.hasChanged ? this.pauseMs : EVERY_MS);
    if (!isDue || this.isUnderWay || !this.store.isUp) return;
    this.silentMs = 0;
    this.hasChanged = false;
    const text = report();
    this.pauseMs = Math.min(EVERY_MS, Math.max(PROMPT_MS, (text?.length ?? 0) / CHARACTERS_A_MS));
    if (text !== undefined && text.length <= REPORT_MAX_CHARS) void this.send(text);
  }

  /** Never rejects: a report that is lost is followed by another. */
  private async send(text: string): Promise<void> {
    this.isUnderWay = true;
    const { prefix } = this.store;
    await this.store.call('SPUBLISH', `${prefix}:${CHANNEL}`, `${this.node.nodeId} ${text}`).catch(() => undefined);
    this.isUnderWay = false;
  }
}
