import { Injectable } from '@nestjs/common';
import { StorageReach } from '../../lifecycle/storage-reach.port';
import { Clock } from '../../time/clock';
import { Store } from './connection/store';

/**
 * A connection that broke is there again within some tenths of a second where its server is. Whoever looks every second or two need not
 * hear of it, for then they would stay away longer than it took.
 */
const UNNOTICED_MS = 1000;

/**
 * Whether a node has its store. It has where a beat came back over the connection that it has now, however long ago: a store that is slow to answer
 * is waited for, until the connection is given up. It has no more a while after the last beat that came back over one that is gone.
 */
@Injectable()
export class StoreReach extends StorageReach {
  override regainedAtMs = -Infinity;
  private hasBeaten = false;
  private beatenAtMs = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {
    super();
    store.up$.subscribe(() => (this.hasBeaten = false));
  }

  get isCutOff(): boolean {
    return !(this.store.isUp && this.hasBeaten) && this.clock.nowMs() - this.beatenAtMs > UNNOTICED_MS;
  }

  /** A beat came back. */
  beaten(): void {
    const nowMs = this.clock.nowMs();
    if (this.isCutOff) this.regainedAtMs = nowMs;
    this.hasBeaten = true;
    this.beatenAtMs = nowMs;
  }
}
