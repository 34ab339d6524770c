import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subject } from 'rxjs';
import { Config } from '../../config/config';
import { SharedProbes, type ProbedReplica, type ToldProbe } from '../../pools/probing/shared-probes.port';
import { Store, type Reply } from './connection/store';
import { NodeBeat } from './node-beat';
import { shareProbesScript, tellProbeScript } from './scripts/probe-scripts';

/** Rounds that the node which asks an engine may miss before another one does. */
const ROUNDS = 3;
const LEAST_MS = 1000;
/** Rounds after which what an engine has said is nothing to go by. */
const ROUNDS_KEPT = 10;

/** Each engine is asked by one node, whoever took it first; all hear what it said, at once by a hint, and with their next round at the latest. */
@Injectable()
export class RedisProbes extends SharedProbes implements OnModuleInit, OnModuleDestroy {
  private readonly told = new Subject<ToldProbe>();
  override readonly told$ = this.told.asObservable();
  private asked: ReadonlySet<string> = new Set();
  /** What was last heard of each replica, so that nothing is told twice. */
  private heard = new Map<string, string>();
  private count = 0;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly node: NodeBeat,
  ) {
    super();
  }

  onModuleInit(): void {
    this.stopListening = this.store.listen('probes', text => this.hear(text, true));
  }

  onModuleDestroy(): void {
    this.stopListening?.();
  }

  async ours(replicas: readonly ProbedReplica[]): Promise<ReadonlySet<string>> {
    const names = replicas.map(({ poolId, replicaId }) => `${poolId}/${replicaId}`);
    this.asked = new Set(names);
    if (names.length === 0) return this.asked;
    try {
      const args = [this.node.nodeId, this.forMs(ROUNDS), JSON.stringify(names)] as const;
      const shares = (await this.store.run(shareProbesScript, ...args)) as readonly Reply[];
      this.asked = new Set(names.filter((_, at) => shares[at] === 1));
      this.heard = new Map([...this.heard].filter(([name]) => names.includes(name)));
      for (const text of shares) if (typeof text === 'string' && text !== '') this.hear(text, false);
    } catch {
      // The store is away: each node is on its own.
    }
    return this.asked;
  }

  tell(told: ToldProbe): void {
    const name = `${told.poolId}/${told.replicaId}`;
    if (!this.asked.has(name) || !this.store.isUp) return;
    const text = JSON.stringify({ ...told, by: this.node.nodeId, count: ++this.count });
    // What is not told now is told with the next probe.
    this.store.run(tellProbeScript, this.node.nodeId, name, text, this.forMs(ROUNDS_KEPT)).catch(() => undefined);
  }

  private hear(text: string, isFresh: boolean): void {
    const { by, count: _, ageMs, ...told } = JSON.parse(text) as ToldProbe & { by: string; count: number };
    const name = `${told.poolId}/${told.replicaId}`;
    if (by === this.node.nodeId || this.heard.get(name) === text) return;
    this.heard.set(name, text);
    this.told.next({ ...told, ...(isFresh && ageMs !== undefined && { ageMs }) });
  }

  private forMs(rounds: number): number {
    return Math.max(LEAST_MS, rounds * this.config.probeIntervalMs);
  }
}
