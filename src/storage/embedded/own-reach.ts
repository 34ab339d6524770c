import { Injectable } from '@nestjs/common';
import { StorageReach } from '../../lifecycle/storage-reach.port';

/** The data folder is here: nobody else could do better. */
@Injectable()
export class OwnReach extends StorageReach {
  override readonly isCutOff = false;
  override readonly regainedAtMs = -Infinity;
}
