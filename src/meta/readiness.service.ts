import { Injectable } from '@nestjs/common';
import { ServiceError } from '../errors/service-error';
import { Lifecycle } from '../lifecycle/lifecycle';
import { StorageReach } from '../lifecycle/storage-reach.port';

/**
 * Whether clients should come here. Not about pools: workers must be able to register with a service that has none yet. Nor about a disk that
 * takes no writes: nobody else could do better, and streams are read here.
 */
@Injectable()
export class ReadinessService {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly storage: StorageReach,
  ) {}

  /** @throws ServiceError NOT_READY, SHUTTING_DOWN; STORAGE_UNAVAILABLE at a node that is cut off from its store */
  assertReady(): void {
    this.lifecycle.assertReady();
    if (!this.storage.isCutOff) return;
    throw new ServiceError('STORAGE_UNAVAILABLE', { message: 'This node is cut off from the store.' });
  }
}
