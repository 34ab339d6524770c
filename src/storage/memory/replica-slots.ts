import { TurnoverSet, type Seat } from '../../collections/turnover-set';
import type { Clock } from '../../time/clock';
import type { MemoryLease } from './memory-lease';

/** How long a slot whose attempt was broken off is waited for on the engine's word: llama.cpp was seen to take 8.6 s. */
const MAX_RELEASE_MS = 15_000;
/** A request may be that long on its way to an engine's slot. */
const ARRIVAL_MS = 250;

/** An attempt that was broken off, and whose slot the engine may still be busy with. */
interface Cut {
  readonly sinceMs: number;
  /** The engine had sent something. */
  readonly heard: boolean;
}

/**
 * Who has the slots of one replica: our leases, attempts of ours that were broken off, others. The engine tells a number only, as it
 * was at some moment while it was asked, so what the number is made of is reasoned: whatever is wrong in that, as many slots are
 * taken in all as the engine says, and the next report puts it right.
 */
export class ReplicaSlots {
  readonly leases = new TurnoverSet<MemoryLease>();
  /** Leases of other nodes. */
  foreign = 0;
  private cuts: readonly Cut[] = [];
  private others = 0;
  /** The engine was not asked the last time, so what others have may be more by now. */
  isSpared = false;
  /** Whether the engine tells how many slots are busy. */
  private isTold = false;
  /** When the last leases ended, at most as many as there are slots: a report may still have counted them. */
  private endings: number[] = [];
  private observedAtMs = 0;

  constructor(private readonly clock: Clock) {}

  get taken(): number {
    return this.leases.size + this.foreign + this.cuts.length + this.others;
  }

  /** Attempts that were broken off and whose slots are not known to be free yet. */
  get releasing(): number {
    return this.cuts.length;
  }

  /** Of those, the ones of which the engine had sent nothing: it may be long in noticing that nobody listens. */
  get releasingUnheard(): number {
    return this.cuts.filter(cut => !cut.heard).length;
  }

  /** Used by somebody else when the engine last told. */
  get elsewhere(): number {
    return this.others;
  }

  /** The engine is done with the attempt. */
  end(seat: Seat<MemoryLease>, slotsTotal: number): void {
    if (!this.leases.delete(seat)) return;
    this.endings.push(this.clock.nowMs());
    if (this.endings.length > slotsTotal) this.endings.shift();
  }

  /** We are done with it, and the engine may not be; false where it does not tell, and so is taken to be done. */
  cut(seat: Seat<MemoryLease>, slotsTotal: number): boolean {
    if (!this.isTold) {
      this.end(seat, slotsTotal);
      return false;
    }
    const heard = (seat.item?.heard ?? 0) > 0;
    this.leases.delete(seat);
    this.cuts = [...this.cuts, { sinceMs: this.clock.nowMs(), heard }];
    return true;
  }

  /**
   * The engine did not tell this time; true when a slot is free by that it was waited for long enough.
   * @param elsewhere what others have, by who asked it last: this node may have taken another node's attempt for theirs
   */
  pass(isSpared: boolean, elsewhere = this.others): boolean {
    this.isSpared = isSpared;
    this.others = Math.min(this.others, elsewhere);
    this.observedAtMs = this.clock.nowMs();
    return this.keep(this.lasting());
  }

  /**
   * Takes in how many slots are busy, undefined where the engine does not tell; true when a slot is known to be free by it.
   * @param askedAtMs when the question was put; what ended or was broken off before that is not in the answer
   */
  observe(busy: number | undefined, askedAtMs = this.observedAtMs): boolean {
    this.observedAtMs = this.clock.nowMs();
    this.isTold = busy !== undefined;
    this.isSpared = false;
    if (busy === undefined) {
      this.others = 0;
      return this.keep([]);
    }
    const cuts = this.lasting();
    const judged = cuts.filter(cut => cut.sinceMs <= askedAtMs);
    const arrived = this.leases
      .items()
      .filter(lease => lease.heard > 0 || lease.acquiredAtMs <= askedAtMs - ARRIVAL_MS).length;
    // What cannot be told apart counts as still being released: no task is sent into a slot that may be busy.
    const still = Math.min(judged.length, Math.max(0, busy - arrived - this.foreign - this.others));
    const ended = this.endings.filter(atMs => atMs >= askedAtMs).length;
    const unjudged = cuts.filter(cut => cut.sinceMs > askedAtMs);
    this.others = Math.max(0, busy - this.leases.size - this.foreign - ended - unjudged.length - still);
    return this.keep([...judged.slice(judged.length - still), ...unjudged]);
  }

  private lasting(): readonly Cut[] {
    const sinceMs = this.clock.nowMs() - MAX_RELEASE_MS;
    return this.cuts.filter(cut => cut.sinceMs > sinceMs);
  }

  private keep(cuts: readonly Cut[]): boolean {
    const freed = cuts.length < this.cuts.length;
    this.cuts = cuts;
    return freed;
  }
}
