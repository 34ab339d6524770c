import { Injectable } from '@nestjs/common';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import type { ReplicaStatus } from '../registry/pool';

/** As many as a registration may name. */
const MAX_LIMIT = 4096;

/** Replicas that something is known of; of more, the one that was met first is forgotten. */
const MAX_KNOWN = 4096;

interface Learned {
  /** Of the binding that it was learned of. */
  readonly boundAtMs: number;
  limit: number;
  /** It had requests waiting when it was asked the last time. */
  waited: boolean;
}

type LimitedReplica = Pick<ReplicaStatus, 'poolId' | 'replicaId' | 'running' | 'boundAtMs' | 'slotsDeclared'>;

/**
 * How many attempts at once an engine gets that has no slots (vLLM runs what fits into its memory, and lets the rest wait).
 *
 * What its registration names (`slots_total`) holds. Without that the number is learned from the engine's own waiting count: one at first,
 * twice as many each time that all of them were at work and nothing waited; as many as it runs, where some waited at two looks one after the
 * other. An engine that tells neither gets one at a time until somebody says more: no number is made up for it.
 */
@Injectable()
export class ConcurrencyLimits {
  private readonly learned = new Map<string, Learned>();

  /** What an engine said, with the number of slots that it is taken to have. */
  applied(replica: LimitedReplica, told: EngineProbe): EngineProbe {
    if (told.state !== 'ready') return told;
    const { boundAtMs } = replica;
    const name = `${replica.poolId}/${replica.replicaId}`;
    if (told.slotsTotal !== undefined || replica.slotsDeclared !== undefined) {
      this.learned.delete(name);
      return told;
    }
    if (told.waiting === undefined) return { ...told, slotsTotal: 1 };
    const learned = this.of(name, boundAtMs);
    const { running, waiting } = told;
    if (waiting > 0) {
      // One that waits for no more than the engine's next step is not a sign of anything.
      if (learned.waited) learned.limit = Math.max(1, running ?? learned.limit - waiting);
    } else if (replica.running >= learned.limit) {
      learned.limit = Math.min(MAX_LIMIT, 2 * learned.limit);
    }
    learned.waited = waiting > 0;
    return { ...told, slotsTotal: learned.limit };
  }

  private of(name: string, boundAtMs: number): Learned {
    const known = this.learned.get(name);
    if (known?.boundAtMs === boundAtMs) return known;
    const learned = { boundAtMs, limit: 1, waited: false };
    this.learned.set(name, learned);
    const [first] = this.learned.keys();
    if (this.learned.size > MAX_KNOWN && first !== undefined) this.learned.delete(first);
    return learned;
  }
}
