import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { EndDraft, Refusal } from '../../tasks/ledger/task-ledger.port';
import type { TaskSpec } from '../../tasks/task/task';
import type { HeldTask } from './held-task';
import type { Lanes } from './lanes';

/** Sets of candidates that queued tasks may name at once; a client that varies its constraints without end stops here. */
const MAX_LANES = 1024;

/** How many tasks may wait, and who goes when there are as many. */
export class QueueBounds {
  constructor(
    private readonly config: Config,
    private readonly lanes: Lanes,
  ) {}

  /** Why one more may not wait; undefined where it may. */
  refusalOf({ constraints, prompt }: TaskSpec): Extract<Refusal, { kind: 'full' }> | undefined {
    const { tasks, lanes, bytes, isServed, isNewLane } = this.lanes.roomFor(constraints);
    if (bytes + Buffer.byteLength(prompt) > this.config.queueMaxBytes)
      return { kind: 'full', reason: 'bytes', isServed };
    if (isNewLane && lanes >= MAX_LANES) return { kind: 'full', reason: 'lanes', isServed };
    return tasks < this.capacityOf(isServed) ? undefined : { kind: 'full', reason: 'places', isServed };
  }

  /** Who gives up its place for one that is refused so; undefined where nobody does. */
  loserFor({ reason, isServed }: Extract<Refusal, { kind: 'full' }>): HeldTask | undefined {
    return reason === 'places' && this.dropsOldest ? this.lanes.oldest(isServed) : undefined;
  }

  /** Who goes for want of places, whether or not somebody comes; undefined where there are some. */
  surplus(constraints: PlacementConstraints): HeldTask | undefined {
    const { tasks, isServed } = this.lanes.roomFor(constraints);
    return this.dropsOldest && tasks >= this.capacityOf(isServed) ? this.lanes.oldest(isServed) : undefined;
  }

  /** How one that gives up its place ends. */
  droppedDraft(): EndDraft {
    const policyLabel = this.config.admissionPolicy;
    return { state: 'dropped', error: new ServiceError('QUEUE_FULL_DROP_LRU', { policyLabel }) };
  }

  private get dropsOldest(): boolean {
    return this.config.admissionPolicy === 'drop-lru';
  }

  private capacityOf(isServed: boolean): number {
    const { admissionCapacity, unservedCapacity } = this.config;
    return isServed ? admissionCapacity : (unservedCapacity ?? admissionCapacity);
  }
}
