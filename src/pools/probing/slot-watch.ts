import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, Subject, type Subscription } from 'rxjs';
import type { SlotQuestion } from '../../engines/engine-adapter.port';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry, type PoolChange } from '../registry/pool-registry.port';
import { PoolsService } from '../placement/pools.service';

/** Between looks while an attempt that was broken off keeps its slot; one in the middle of its tokens is over within 40 ms. */
const RELEASE_LOOK_MS = 100;
/** Between looks while tasks wait and others have the slots. */
const WAIT_LOOK_MS = 250;
/**
 * llama.cpp looks for clients that have gone only after a second in which it had nothing to send to anybody, and an answer to who asks
 * for its slots is something sent. So an engine gets its quiet second: between any two looks while it has yet to notice that we
 * have gone, and now and then while it is looked at often, for other clients go too.
 */
const QUIET_MS = 1_200;
const LOOKS_MS = 5_000;

type ReplicaName = Pick<ReplicaStatus, 'poolId' | 'replicaId'>;

/** When the slots of one engine were asked for. */
interface Looks {
  lastMs: number;
  /** The first look since the engine had a quiet second. */
  sinceMs: number;
  next: Alarm | undefined;
}

/** When an engine's busy slots are asked for: rarely where nobody needs to know, soon where somebody waits for one to be free. */
@Injectable()
export class SlotWatch implements OnModuleInit, OnModuleDestroy {
  private readonly looks = new Map<string, Looks>();
  private readonly due = new Subject<ReplicaName>();
  /** Emits when a replica should be looked at now. */
  readonly due$ = this.due.asObservable();
  private changes: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly pools: PoolsService,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    const kinds: readonly PoolChange['kind'][] = ['slot-releasing', 'woken', 'bound', 'unbound'];
    this.changes = this.registry.changes$.pipe(filter(({ kind }) => kinds.includes(kind))).subscribe(change => {
      const { poolId, replicaId = '', kind } = change;
      if (kind === 'slot-releasing') this.plan({ poolId, replicaId }, RELEASE_LOOK_MS);
      else if (kind === 'woken') this.due.next({ poolId, replicaId });
      else this.forget(`${poolId}/${replicaId}`);
    });
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
    for (const { next } of this.looks.values()) next?.cancel();
    this.looks.clear();
  }

  /** A probe begins: whether it asks for busy slots too. */
  ask(replica: ReplicaStatus): { readonly question: SlotQuestion; readonly askedAtMs: number } {
    const askedAtMs = this.clock.nowMs();
    const question = this.question(replica);
    if (question === 'ask') this.asked(replica, askedAtMs);
    return { question, askedAtMs };
  }

  private question(replica: ReplicaStatus): SlotQuestion {
    const looks = this.looks.get(nameOf(replica));
    if (!looks) return 'ask';
    // One that is idle may want to sleep, and is left alone: whether others use it is asked again when we do.
    const isIdle = replica.running + replica.releasing + replica.slotsElsewhere === 0;
    if (isIdle && replica.sleeping !== undefined) return 'spare';
    return this.clock.nowMs() < this.earliest(looks, replica) ? 'spare' : 'ask';
  }

  private asked(replica: ReplicaName, atMs: number): void {
    const looks = this.looks.get(nameOf(replica));
    if (!looks) {
      this.looks.set(nameOf(replica), { lastMs: atMs, sinceMs: atMs, next: undefined });
      return;
    }
    if (atMs - looks.lastMs >= QUIET_MS) looks.sinceMs = atMs;
    looks.lastMs = atMs;
  }

  /** A probe is over; `replica` is how it stands now. */
  seen(replica: ReplicaStatus): void {
    if (replica.releasing > 0) this.plan(replica, RELEASE_LOOK_MS);
    else if (isTakenByOthers(replica)) this.plan(replica, WAIT_LOOK_MS);
  }

  /** At most one look is planned for each replica: the soonest. */
  private plan(replica: ReplicaName, inMs: number): void {
    const looks = this.looks.get(nameOf(replica));
    if (!looks || looks.next) return;
    looks.next = this.alarms.after(inMs, () => {
      looks.next = undefined;
      const human = `Whether ${nameOf(replica)} is to be looked at is not known; the next round of probes does.`;
      void this.narrator.attend(this.ring(replica, looks), human, { event: 'slot_look_failed' });
    });
  }

  private async ring({ poolId, replicaId }: ReplicaName, looks: Looks): Promise<void> {
    const replica = await this.registry.replica(poolId, replicaId);
    if (!replica?.ready || this.looks.get(nameOf(replica)) !== looks) return;
    const waitMs = this.earliest(looks, replica) - this.clock.nowMs();
    if (replica.releasing === 0 && !isTakenByOthers(replica)) return;
    if (waitMs > 0) return this.plan(replica, waitMs);
    if (replica.releasing > 0 || (await this.pools.queueDepth(poolId)) > 0) this.due.next(replica);
    else this.plan(replica, WAIT_LOOK_MS);
  }

  /** Not before that: the engine shall have its quiet second. */
  private earliest({ lastMs, sinceMs }: Looks, { releasingUnheard }: ReplicaStatus): number {
    return releasingUnheard > 0 || lastMs - sinceMs >= LOOKS_MS ? lastMs + QUIET_MS : lastMs;
  }

  private forget(name: string): void {
    this.looks.get(name)?.next?.cancel();
    this.looks.delete(name);
  }
}

/** Nothing is free, and that is not our doing alone. */
function isTakenByOthers({ slotsElsewhere, slotsFree, ready }: ReplicaStatus): boolean {
  return ready && slotsElsewhere > 0 && slotsFree === 0;
}

function nameOf({ poolId, replicaId }: ReplicaName): string {
  return `${poolId}/${replicaId}`;
}
