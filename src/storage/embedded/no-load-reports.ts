import { Injectable } from '@nestjs/common';
import { LoadReports } from '../../tasks/prediction/load-reports.port';

/** There is no other node. */
@Injectable()
export class NoLoadReports extends LoadReports {
  override readonly hasPeers = false;

  begin(): void {
    // None is asked for, and none comes.
  }

  changed(): void {
    // Nobody waits for it.
  }
}
