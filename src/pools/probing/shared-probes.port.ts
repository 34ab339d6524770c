import type { Observable } from 'rxjs';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import type { MaybeLater } from '../../time/maybe-later';
import type { ReplicaStatus } from '../registry/pool';

export type ProbedReplica = Pick<ReplicaStatus, 'poolId' | 'replicaId'>;

/** What an engine has said to the node that asked it. */
export interface ToldProbe extends ProbedReplica {
  /** Of the binding that was asked; another one's word says nothing. */
  readonly url: string;
  readonly engine: string;
  readonly probe: EngineProbe;
  /** How long before it was told the question was put; undefined for what was found later. */
  readonly ageMs?: number;
}

/**
 * Which node asks which engine in its rounds, and what it was told, for all nodes. Who has reason to doubt an engine asks it by itself as well.
 * Never rejects, and never errors: a node that does not hear of the others asks all engines.
 */
export abstract class SharedProbes {
  /** Those (`pool/replica`) that this node is to ask in the round that begins. */
  abstract ours(replicas: readonly ProbedReplica[]): MaybeLater<ReadonlySet<string>>;

  /** For other nodes, where this one is whom they hear of that engine. */
  abstract tell(told: ToldProbe): void;

  /** By other nodes. */
  abstract readonly told$: Observable<ToldProbe>;
}
