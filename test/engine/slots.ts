import { abortable } from './abortable';
import type { GenerationRequest } from './generation-request';

/** One sequence that the engine can generate at a time. What it last worked on stays visible, as in llama.cpp. */
export class Slot {
  request: GenerationRequest | undefined;
  taskId = -1;
  /** Tokens generated in the run that goes on. */
  decoded = 0;
  /** Tokens it holds of its last run. */
  cachedTokens = 0;
  hasNewLine = false;
  lastUsedMs = -1;
  busy = false;

  constructor(readonly id: number) {}

  /** Forgets what it holds; how many tokens that was. */
  erase(): number {
    const erased = this.cachedTokens;
    this.cachedTokens = 0;
    return erased;
  }
}

/** The right to generate on a slot, until it is given back; giving it back twice does nothing. */
export interface SlotLease {
  readonly slot: Slot;
  release(): void;
}

interface Deferred {
  readonly request: GenerationRequest;
  readonly resolve: (lease: SlotLease) => void;
}

/** The slots of one model. Requests beyond them wait in the order in which they came. */
export class SlotPool {
  readonly slots: readonly Slot[];
  private readonly deferred = new Set<Deferred>();
  /** Requests that had to wait for a slot. */
  deferrals = 0;
  private tasks = 0;
  private idleWaiters: { readonly slot: Slot; readonly resolve: () => void }[] = [];

  constructor(
    count: number,
    /** Called whenever a slot is taken or freed, or a request begins or ends to wait. */
    private readonly changed: () => void,
  ) {
    this.slots = Array.from({ length: count }, (_, id) => new Slot(id));
  }

  get active(): number {
    return this.slots.filter(slot => slot.busy).length;
  }

  get waiting(): number {
    return this.deferred.size;
  }

  /** A slot, at once or when one frees; rejects with the signal's reason when the client goes while it waits. */
  acquire(request: GenerationRequest, signal: AbortSignal): Promise<SlotLease> {
    return abortable<SlotLease>(signal, resolve => {
      const entry: Deferred = { request, resolve };
      const slot = this.freeSlot();
      if (slot) {
        resolve(this.lease(slot, request));
      } else {
        this.deferred.add(entry);
        this.deferrals++;
        this.changed();
      }
      return () => {
        this.deferred.delete(entry);
        this.changed();
      };
    });
  }

  /** Resolves when nothing runs on the slot. */
  idle(slot: Slot): Promise<void> {
    if (!slot.busy) return Promise.resolve();
    return new Promise(resolve => this.idleWaiters.push({ slot, resolve }));
  }

  /** The one unused for longest; among the never used the last, as llama.cpp picks it. */
  private freeSlot(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.slots) {
      if (!slot.busy && (!best || slot.lastUsedMs <= best.lastUsedMs)) best = slot;
    }
    return best;
  }

  private lease(slot: Slot, request: GenerationRequest): SlotLease {
    slot.busy = true;
    slot.request = request;
    slot.taskId = this.tasks++;
    slot.decoded = 0;
    slot.hasNewLine = false;
    this.changed();
    let held = true;
    return {
      slot,
      release: () => {
        if (!held) return;
        held = false;
        this.free(slot);
      },
    };
  }

  private free(slot: Slot): void {
    slot.busy = false;
    slot.lastUsedMs = performance.now();
    slot.cachedTokens = (slot.request?.promptTokens ?? 0) + Math.max(0, slot.decoded - 1);
    for (const { resolve } of this.idleWaiters.filter(waiter => waiter.slot === slot)) resolve();
    this.idleWaiters = this.idleWaiters.filter(waiter => waiter.slot !== slot);
    const [next] = this.deferred;
    if (!next) return this.changed();
    this.deferred.delete(next);
    next.resolve(this.lease(slot, next.request));
  }
}
