import { createHash } from 'node:crypto';
import type { Candidate, Candidates } from '../../pools/placement/candidates.port';
import { laneIdOf, type PlacementConstraints } from '../../pools/placement/constraints';
import type { ReplicaStatus } from '../../pools/registry/pool';
import type { MemoryPoolRegistry } from '../memory/pool-registry.memory';
import type { Reply, Store } from './connection/store';
import { lanesScript } from './scripts/node-scripts';

/** A place as scripts take it: replica, slots that are ours to give, whether it is preferred, whether its model must be loaded, that model. */
export type Place = readonly [replica: string, slots: number, preferred: 0 | 1, mustLoad: 0 | 1, model: string];

export interface StoreLane {
  /** Of its id; part of its key. */
  readonly key: string;
  readonly constraints: PlacementConstraints;
  /** Replicas (`pool/replica`) that failed its tasks: used only where no other is ready. */
  readonly avoided: ReadonlySet<string>;
}

/** The lanes of the deployment as this node knows them; each has its candidates by what this node knows of pools. */
export class StoreLanes {
  /** Of what is known; scripts refuse what was reckoned from another. */
  version = 0;
  private lanes = new Map<string, StoreLane>();
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly candidates: Candidates,
    private readonly registry: MemoryPoolRegistry,
  ) {}

  all(): Iterable<StoreLane> {
    return this.lanes.values();
  }

  /** Asks for the lanes where there is another version of them; at most one question is under way. */
  async refresh(): Promise<void> {
    this.refreshing ??= this.load().finally(() => (this.refreshing = undefined));
    await this.refreshing;
  }

  static plain(constraints: PlacementConstraints): StoreLane & { readonly id: string; readonly definition: string } {
    const id = laneIdOf(constraints);
    return { id, key: keyOf(id), constraints, avoided: nobody, definition: JSON.stringify({ constraints }) };
  }

  isServed({ constraints }: StoreLane): boolean {
    return this.candidates.isServed(constraints);
  }

  /** Keys of those in the room of a lane, itself among them. */
  roomOf(lane: StoreLane): readonly string[] {
    const isServed = this.isServed(lane);
    const keys = [...this.lanes.values()].filter(other => this.isServed(other) === isServed).map(({ key }) => key);
    return keys.includes(lane.key) ? keys : [...keys, lane.key];
  }

  /** The room of each lane. */
  rooms(): Readonly<Record<string, 0 | 1>> {
    return Object.fromEntries([...this.lanes.values()].map(lane => [lane.key, this.isServed(lane) ? 1 : 0]));
  }

  /** A task was put into this lane: where that has made it, nothing else has changed since. */
  met(lane: StoreLane, version: number): void {
    if (version === this.version + 1 && !this.lanes.has(lane.key)) {
      this.lanes.set(lane.key, lane);
      this.version = version;
    }
  }

  /** Whether a ready candidate that is none of these may run it, free or not. */
  hasOtherPlace(constraints: PlacementConstraints, avoided: ReadonlySet<string>): boolean {
    return this.candidates.readyFor(constraints).some(candidate => !avoided.has(nameOf(candidate)));
  }

  /** Ready candidates that have slots at all, were they free. */
  placesOf({ constraints, avoided }: StoreLane): readonly Place[] {
    const ready = this.candidates.readyFor(constraints);
    const others = avoided.size === 0 ? ready : ready.filter(candidate => !avoided.has(nameOf(candidate)));
    return (others.length > 0 ? others : ready)
      .map(candidate => this.placeOf(candidate))
      .filter(place => place !== undefined);
  }

  private placeOf(candidate: Candidate): Place | undefined {
    const { poolId, replicaId, preferred, mustLoad, model = '' } = candidate;
    const slots = this.registry.slotsOurs(poolId, replicaId);
    return slots > 0 ? [nameOf(candidate), slots, preferred ? 1 : 0, mustLoad ? 1 : 0, model] : undefined;
  }

  private async load(): Promise<void> {
    const [version, flat] = (await this.store.run(lanesScript)) as [number, readonly string[]];
    const lanes = new Map<string, StoreLane>();
    for (let at = 0; at < flat.length; at += 2) {
      const key = String(flat[at]);
      lanes.set(key, this.lanes.get(key) ?? decoded(key, String(flat[at + 1])));
    }
    this.lanes = lanes;
    this.version = version;
  }
}

function decoded(key: string, definition: string): StoreLane {
  const { constraints, avoided = [] } = JSON.parse(definition) as {
    constraints: PlacementConstraints;
    avoided?: readonly string[];
  };
  return { key, constraints, avoided: new Set(avoided) };
}

function keyOf(id: string): string {
  return createHash('sha1').update(id).digest('hex');
}

function nameOf({ poolId, replicaId }: Pick<ReplicaStatus, 'poolId' | 'replicaId'>): string {
  return `${poolId}/${replicaId}`;
}

const nobody: ReadonlySet<string> = new Set();

/** Numbers of a script's answer. */
export function numbersOf(reply: Reply): readonly number[] {
  return (reply as readonly (number | string)[]).map(Number);
}
