import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { RecordLeases } from '../../records/record-leases.port';
import { TaskLedger } from '../../tasks/ledger/task-ledger.port';

/** Of the slots of live engines; the others are left to whoever comes. */
const SLOT_SHARE = 3 / 4;
/** Of the places in the queue, likewise. */
const QUEUE_SHARE = 1 / 2;
/** Where no engine has told of slots: a stand-in, or one that has not been heard of yet. */
const WITHOUT_SLOTS = 4;

/** How many lines of batches may be under way, so that other work finds slots and places in the queue. */
@Injectable()
export class Places {
  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly ledger: TaskLedger,
    private readonly leases: RecordLeases,
  ) {}

  /**
   * How many more may begin now.
   * @param running lines that run
   * @param arriving those of them that have no place in the queue yet
   */
  free(running: number, arriving: number): number {
    const { interactive, batch } = this.ledger.depth();
    const queueRoom = Math.max(1, Math.floor(this.config.admissionCapacity * QUEUE_SHARE)) - interactive - batch;
    return Math.min(this.atOnce - running, queueRoom - arriving);
  }

  /** Nodes that have batches share what may be under way. */
  private get atOnce(): number {
    return Math.max(1, Math.floor(this.atOnceOfAll / this.leases.holders('batch')));
  }

  private get atOnceOfAll(): number {
    if (this.config.batchLinesAtOnce !== undefined) return this.config.batchLinesAtOnce;
    const slots = this.registry
      .view()
      .flatMap(({ replicas }) => replicas)
      .reduce((sum, { live, slotsTotal }) => sum + (live ? slotsTotal : 0), 0);
    return slots === 0 ? WITHOUT_SLOTS : Math.max(1, Math.floor(slots * SLOT_SHARE));
  }
}
