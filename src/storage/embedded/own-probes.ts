import { Injectable } from '@nestjs/common';
import { NEVER } from 'rxjs';
import { SharedProbes, type ProbedReplica } from '../../pools/probing/shared-probes.port';

/** There is no other node: this one asks all engines. */
@Injectable()
export class OwnProbes extends SharedProbes {
  override readonly told$ = NEVER;

  ours(replicas: readonly ProbedReplica[]): ReadonlySet<string> {
    return new Set(replicas.map(({ poolId, replicaId }) => `${poolId}/${replicaId}`));
  }

  tell(): void {
    // Nobody else wants to know.
  }
}
