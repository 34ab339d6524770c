import { Injectable } from '@nestjs/common';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { KeptOrders } from '../registry/kept-orders';
import { PoolStore, type KeptDrain } from '../registry/pool-store.port';

/** Keeps which pools drain, so that a restart does not give them work again, and other nodes give them none. */
@Injectable()
export class KeptDrains {
  private readonly orders: KeptOrders;

  constructor(
    private readonly store: PoolStore,
    alarms: Alarms,
    narrator: Narrator,
  ) {
    this.orders = new KeptOrders(alarms, {
      again: name => store.tellAgain({ of: 'drains', name }),
      failed: (poolId, cause) => {
        const fields = { event: 'drain_not_kept', pool_id: poolId };
        narrator.warn(`The journal does not know yet whether pool ${poolId} drains; it is told again.`, fields, cause);
      },
    });
  }

  /** An order is given or kept here: what is told of the drain of this pool is older. */
  passesOver(poolId: string): boolean {
    return this.orders.passesOver(poolId);
  }

  /** The drain that the order makes; undefined: none any more. Resolves once it is written, or told that it is not yet. */
  async order(poolId: string, order: () => Promise<KeptDrain | undefined>): Promise<void> {
    await this.orders.during(poolId, async () => {
      const drain = await order();
      await this.orders.write(poolId, () => (drain ? this.store.saveDrain(drain) : this.store.removeDrain(poolId)));
    });
  }
}
