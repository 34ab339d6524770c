import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MetricsService, type DepthSample } from '../../observability/metrics.service';
import { priorities } from '../task/task';
import { TaskLedger } from '../ledger/task-ledger.port';

/** Shows the queue's depth by what tasks asked for, counted anew at each scrape. */
@Injectable()
export class QueueGauge implements OnModuleInit {
  constructor(
    private readonly ledger: TaskLedger,
    private readonly metrics: MetricsService,
  ) {}

  onModuleInit(): void {
    this.metrics.queueDepthFrom(() => this.samples());
  }

  private async samples(): Promise<DepthSample[]> {
    const lanes = await this.ledger.laneDepths();
    // An empty queue is a depth of 0 that is known, so the unpinned series is always there.
    const none = priorities.map(priority => ({ engine: '', poolId: '', priority, depth: 0 }));
    const queued = lanes.flatMap(({ constraints, ...depths }) =>
      priorities.map(priority => ({
        engine: constraints.engine ?? '',
        poolId: constraints.pinPoolId ?? '',
        priority,
        depth: depths[priority],
      })),
    );
    return [...none, ...queued];
  }
}
