import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Hearsay, WORD_MAX } from '../../tasks/prediction/hearsay.port';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';

const LOOK_MS = 100;
const EVERY_MS = 1000;
/** After a word that long it may be followed by one on what has changed as soon as may be; after a longer one later: a node says some 8 KB a second at most. */
const PROMPT_MS = 200;
const CHARACTERS_A_MS = 8;
const CHANNEL = 'hearsay';

/** Words go over a channel of the deployment: the store keeps none, so nobody has to clear up after a node that is no more. */
@Injectable()
export class RedisHearsay extends Hearsay implements OnModuleDestroy {
  override readonly hasOthers = true;
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

  begin(say: () => string | undefined, hear: (node: string, word: string) => void): void {
    this.stopListening = this.store.listen(CHANNEL, message => {
      const [node] = message.split(' ', 1) as [string];
      if (node !== this.node.nodeId) hear(node, message.slice(node.length + 1));
    });
    this.ticker = setInterval(() => this.look(say), LOOK_MS);
    this.ticker.unref();
  }

  changed(): void {
    this.hasChanged = true;
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  private look(say: () => string | undefined): void {
    this.silentMs += LOOK_MS;
    const isDue = this.silentMs >= (this.hasChanged ? this.pauseMs : EVERY_MS);
    if (!isDue || this.isUnderWay || !this.store.isUp) return;
    this.silentMs = 0;
    this.hasChanged = false;
    const word = say();
    this.pauseMs = Math.min(EVERY_MS, Math.max(PROMPT_MS, (word?.length ?? 0) / CHARACTERS_A_MS));
    if (word !== undefined && word.length <= WORD_MAX) void this.pass(word);
  }

  /** Never rejects: a word that is lost is followed by another. */
  private async pass(word: string): Promise<void> {
    this.isUnderWay = true;
    const { prefix } = this.store;
    await this.store.call('SPUBLISH', `${prefix}:${CHANNEL}`, `${this.node.nodeId} ${word}`).catch(() => undefined);
    this.isUnderWay = false;
  }
}
