import { Injectable } from '@nestjs/common';
import { Narrator } from '../../observability/narrator';
import { PoolStore, type KeptDrain } from '../registry/pool-store.port';

/** Keeps which pools drain, so that a restart does not give them work again. */
@Injectable()
export class KeptDrains {
  /** Ends when all that was asked for so far is written: the last order is the one that is kept. */
  private written: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: PoolStore,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves once it is written; a failure is told and not thrown. */
  keep(drain: KeptDrain): Promise<void> {
    return this.write(drain.poolId, () => this.store.saveDrain(drain));
  }

  /** As {@link keep}; nothing happens where none is kept. */
  forget(poolId: string): Promise<void> {
    return this.write(poolId, () => this.store.removeDrain(poolId));
  }

  private write(poolId: string, write: () => Promise<void>): Promise<void> {
    this.written = this.written.then(write).catch((cause: unknown) => {
      // The order itself holds; only a restart would have to be told anew.
      const fields = { event: 'drain_not_kept', pool_id: poolId };
      this.narrator.warn(`The journal does not know whether pool ${poolId} drains.`, fields, cause);
    });
    return this.written;
  }
}
