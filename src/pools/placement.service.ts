import { Injectable } from '@nestjs/common';
import type { PlacementConstraints } from '../tasks/task';
import type { Lease } from './pool';

/**
 * Whether a task with these constraints could run, looking at every place it may use:
 * - `ready` a live and ready replica serves it (it may be busy: see `slotsFree`);
 * - `waiting` none is ready now, but one reloads, drains, or was bound before a restart and not probed yet: worth waiting for;
 * - `not-ready` no such place is ready (none is bound, or those bound are down or loading);
 * - `draining` it is pinned to a pool that drains;
 * - `no-model` replicas are bound, all declare their models, and none has the one asked for.
 */
export interface Assessment {
  readonly verdict: 'ready' | 'waiting' | 'not-ready' | 'draining' | 'no-model';
  /** Slots in all, and free ones, of the ready replicas that may run it. */
  readonly slotsTotal: number;
  readonly slotsFree: number;
  /** Replicas looked at. */
  readonly candidates: number;
  /** Models that the bound replicas declare; for the message of `no-model`. */
  readonly models: readonly string[];
  /** True where the model is declared by a ready replica but not loaded there yet. */
  readonly needsLoad: boolean;
  readonly ctxMax?: number;
}

export interface AcquireHints {
  /** The session's last replica: its KV cache may be warm. */
  readonly warm?: { readonly poolId: string; readonly replicaId: string };
  /** Replicas (`pool/replica`) that failed this task already: used only when no other may run it. */
  readonly avoid: ReadonlySet<string>;
}

@Injectable()
export class PlacementService {
  assess(_constraints: PlacementConstraints): Promise<Assessment> {
    throw new Error('not built yet');
  }

  /** Leases the best free slot, in an order that can be explained: warm, preferred, most free slots, most VRAM, id. */
  acquire(_constraints: PlacementConstraints, _hints: AcquireHints): Promise<Lease | undefined> {
    throw new Error('not built yet');
  }
}
