import { Injectable } from '@nestjs/common';
import { Hearsay } from '../../tasks/prediction/hearsay.port';

/** There is no other node. */
@Injectable()
export class NoHearsay extends Hearsay {
  override readonly hasOthers = false;

  begin(): void {
    // Nobody asks, and nobody hears.
  }

  changed(): void {
    // Nobody waits for it.
  }
}
