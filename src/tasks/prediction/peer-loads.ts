import type { RunningAttempt } from './station';
import type { ArrivalRate } from './report-arrivals';
import type { LoadReport } from './load-report';

/** A node that has reported nothing for so long is gone, or cut off: three reports. What it ran is not known any more. */
const SILENT_MS = 3500;
/** Of those that reported last: what else claims to be a node is not kept. */
const NODES_MAX = 64;

interface ReplicaLoad {
  readonly attempts: number;
  readonly sample: readonly RunningAttempt[];
}

interface Peer {
  readonly reportedAtMs: number;
  readonly replicas: ReadonlyMap<string, ReplicaLoad>;
  readonly arrivals: readonly ArrivalRate[];
}

/** What other nodes run, and what comes to them, by what each of them reported last. */
export class PeerLoads {
  /** In the order in which they reported. */
  private readonly nodes = new Map<string, Peer>();

  receive(node: string, { runs, arrivals }: Pick<LoadReport, 'runs' | 'arrivals'>, nowMs: number): void {
    const replicas = runs.map(({ replica, attempts, sample }) => {
      const running = sample.map(([ageMs, outputAgeMs, tokens, promptTokens, askedTokens]): RunningAttempt => ({
        startedAtMs: nowMs - ageMs,
        firstOutputAtMs: outputAgeMs < 0 ? undefined : nowMs - outputAgeMs,
        tokens,
        promptTokens,
        askedTokens,
        asOfMs: nowMs,
      }));
      return [replica, { attempts, sample: running }] as const;
    });
    this.nodes.delete(node);
    this.nodes.set(node, { reportedAtMs: nowMs, replicas: new Map(replicas), arrivals });
    if (this.nodes.size > NODES_MAX) this.nodes.delete(this.nodes.keys().next().value as string);
  }

  /** As many as they reported; where they told of some only, each stands for several. */
  on(replica: string, nowMs: number): readonly RunningAttempt[] {
    const all: RunningAttempt[] = [];
    for (const { replicas } of this.present(nowMs)) {
      const { attempts = 0, sample = [] } = replicas.get(replica) ?? {};
      for (let n = 0; n < attempts; n++) all.push(sample[Math.floor((n * sample.length) / attempts)] as RunningAttempt);
    }
    return all;
  }

  /** What comes to them. */
  *arrivals(nowMs: number): IterableIterator<ArrivalRate> {
    for (const { arrivals } of this.present(nowMs)) yield* arrivals;
  }

  /** How many they run, by replica. */
  counts(nowMs: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { replicas } of this.present(nowMs))
      for (const [replica, { attempts }] of replicas) counts.set(replica, (counts.get(replica) ?? 0) + attempts);
    return counts;
  }

  private *present(nowMs: number): IterableIterator<Peer> {
    for (const [name, node] of this.nodes) {
      if (nowMs - node.reportedAtMs <= SILENT_MS) yield node;
      else this.nodes.delete(name);
    }
  }
}
