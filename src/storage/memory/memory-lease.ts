import { ReplaySubject, type Observable } from 'rxjs';
import type { EngineAdapter, EngineTarget } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/registry/pool';

/** What a lease says of the replica it was given on, as that was then. */
export type LeasedReplica = Pick<Lease, 'engine' | 'engineVersion' | 'model' | 'loadsModel'> & {
  readonly adapter: EngineAdapter;
  readonly target: EngineTarget;
};

/** A slot in use. It ends once, however often it is released. */
export class MemoryLease implements Lease {
  readonly poolId: string;
  readonly replicaId: string;
  readonly engine: string;
  readonly engineVersion: string;
  readonly model?: string;
  readonly loadsModel: boolean;
  readonly adapter: EngineAdapter;
  readonly target: EngineTarget;
  /** Replays, for a lease can be revoked between its being given and its attempt's subscribing. */
  private readonly revocation = new ReplaySubject<ServiceError>(1);
  readonly revoked$: Observable<ServiceError> = this.revocation.asObservable();
  atWork = false;
  heard = 0;
  private released = false;
  /** What was {@link heard} when it was last looked at, and since when it has been no more. */
  private heardBefore = 0;
  private silentSinceMs: number;

  constructor(
    { engine, engineVersion, model, loadsModel = false, adapter, target }: LeasedReplica,
    readonly acquiredAtMs: number,
    private readonly onRelease: (lease: MemoryLease) => void,
  ) {
    this.silentSinceMs = acquiredAtMs;
    this.poolId = target.poolId;
    this.replicaId = target.replicaId;
    this.engine = engine;
    this.engineVersion = engineVersion;
    if (model !== undefined) this.model = model;
    this.loadsModel = loadsModel;
    this.adapter = adapter;
    this.target = target;
  }

  /** Since when nothing has been heard on it; as exact as it is looked at often. */
  silenceMs(nowMs: number): number {
    if (this.heard !== this.heardBefore) {
      this.heardBefore = this.heard;
      this.silentSinceMs = nowMs;
    }
    return nowMs - this.silentSinceMs;
  }

  /** Emitting ends the attempt with this error; its teardown releases the lease. A second reason is not heard. */
  revoke(reason: ServiceError): void {
    this.revocation.next(reason);
    this.revocation.complete();
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.onRelease(this);
  }
}
