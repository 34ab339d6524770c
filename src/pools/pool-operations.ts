import { Injectable } from '@nestjs/common';
import { ServiceError } from '../errors/service-error';

type Operation = 'reload' | 'purge';

/** Reload and purge change what a pool's engines hold: of the two, one at a time for each pool. */
@Injectable()
export class PoolOperations {
  private readonly underWay = new Map<string, Operation>();

  /** Returns what to call when it is over. @throws ServiceError POOL_BUSY while another one is under way */
  begin(poolId: string, operation: Operation): () => void {
    const other = this.underWay.get(poolId);
    if (other) throw new ServiceError('POOL_BUSY', { message: `A ${other} of this pool is under way.` });
    this.underWay.set(poolId, operation);
    return () => this.underWay.delete(poolId);
  }
}
