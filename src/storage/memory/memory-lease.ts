import { ReplaySubject, type Observable } from 'rxjs';
import type { EngineAdapter, EngineTarget } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/pool';

/** A slot in use. It frees its slot once, however often it is released. */
export class MemoryLease implements Lease {
  /** Replays, for a lease can be revoked between its being given and its attempt's subscribing. */
  private readonly revocation = new ReplaySubject<ServiceError>(1);
  readonly revoked$: Observable<ServiceError> = this.revocation.asObservable();
  private released = false;

  constructor(
    readonly target: EngineTarget,
    readonly engine: string,
    readonly engineVersion: string,
    readonly adapter: EngineAdapter,
    private readonly onRelease: (lease: MemoryLease) => void,
  ) {}

  get poolId(): string {
    return this.target.poolId;
  }

  get replicaId(): string {
    return this.target.replicaId;
  }

  /** Emitting ends the attempt with this error; its teardown releases the lease. */
  revoke(reason: ServiceError): void {
    this.revocation.next(reason);
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.onRelease(this);
  }
}
