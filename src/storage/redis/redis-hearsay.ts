import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Hearsay, WORD_MAX } from '../../tasks/prediction/hearsay.port';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';

const EVERY_MS = 1000;
const CHANNEL = 'hearsay';

/** Words go over a channel of the deployment: the store keeps none, so nobody has to clear up after a node that is no more. */
@Injectable()
export class RedisHearsay extends Hearsay implements OnModuleDestroy {
  override readonly hasOthers = true;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  /** A store that stands still is not given more of them: they would all come at once, and late. */
  private isUnderWay = false;

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
    this.ticker = setInterval(() => void this.pass(say), EVERY_MS);
    this.ticker.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  /** Never rejects: a word that is lost is followed by another. */
  private async pass(say: () => string | undefined): Promise<void> {
    if (this.isUnderWay || !this.store.isUp) return;
    const word = say();
    if (word === undefined || word.length > WORD_MAX) return;
    this.isUnderWay = true;
    const { prefix } = this.store;
    await this.store.call('SPUBLISH', `${prefix}:${CHANNEL}`, `${this.node.nodeId} ${word}`).catch(() => undefined);
    this.isUnderWay = false;
  }
}
