import type { RunningAttempt } from './station';
import type { Coming } from './word-arrivals';
import type { Word } from './word';

/** A node that has said nothing for so long is gone, or cut off: three words. What it ran is not known any more. */
const SILENT_MS = 3500;
/** Of those that spoke last: what else claims to be a node is not kept. */
const NODES_MAX = 64;

interface Told {
  readonly attempts: number;
  readonly sample: readonly RunningAttempt[];
}

interface OtherNode {
  readonly heardAtMs: number;
  readonly replicas: ReadonlyMap<string, Told>;
  readonly arrivals: readonly Coming[];
}

/** What other nodes run, and what comes to them, by what each of them said last. */
export class Others {
  /** In the order in which they spoke. */
  private readonly nodes = new Map<string, OtherNode>();

  hear(node: string, { runs, arrivals }: Pick<Word, 'runs' | 'arrivals'>, nowMs: number): void {
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
    this.nodes.set(node, { heardAtMs: nowMs, replicas: new Map(replicas), arrivals });
    if (this.nodes.size > NODES_MAX) this.nodes.delete(this.nodes.keys().next().value as string);
  }

  /** As many as they said; where they told of some only, each stands for several. */
  on(replica: string, nowMs: number): readonly RunningAttempt[] {
    const all: RunningAttempt[] = [];
    for (const { replicas } of this.heard(nowMs)) {
      const { attempts = 0, sample = [] } = replicas.get(replica) ?? {};
      for (let n = 0; n < attempts; n++) all.push(sample[Math.floor((n * sample.length) / attempts)] as RunningAttempt);
    }
    return all;
  }

  /** What comes to them. */
  *arrivals(nowMs: number): IterableIterator<Coming> {
    for (const { arrivals } of this.heard(nowMs)) yield* arrivals;
  }

  /** How many they run, by replica. */
  counts(nowMs: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { replicas } of this.heard(nowMs))
      for (const [replica, { attempts }] of replicas) counts.set(replica, (counts.get(replica) ?? 0) + attempts);
    return counts;
  }

  private *heard(nowMs: number): IterableIterator<OtherNode> {
    for (const [name, node] of this.nodes) {
      if (nowMs - node.heardAtMs <= SILENT_MS) yield node;
      else this.nodes.delete(name);
    }
  }
}
