import { Injectable } from '@nestjs/common';
import { asServiceError, type ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { BindingsService } from '../pools/bindings/bindings.service';
import type { ReplicaStatus, UnbindCause } from '../pools/registry/pool';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { Clock } from '../time/clock';
import type { Handoff } from './handoff-file';
import { HandoffFolder } from './handoff-folder';

/** A log line shows this much of a file's name. */
const MAX_NAME_SHOWN = 128;
/** A file that cannot be read as a whole may still be written: it is told of once it has stayed as it is for so long. */
const SETTLE_MS = 1_000;
/** How soon a binding is tried anew that was refused for something that can pass by itself. */
const RETRY_MS = 5_000;

/** `bound`: its replica is ready, by whomever it was bound. */
export type HandoffState = 'waiting' | 'bound' | 'ignored';

/** What is known of one file. */
export interface KnownHandoff {
  readonly file: string;
  readonly state: HandoffState;
  readonly reason?: string;
  /** What it said when it was last in order. */
  readonly handoff?: Handoff;
  /** Changes with the file: a file that is as it was is not read again. */
  readonly version: string;
  readonly firstSeenMs: number;
  /** The binding was told, once it was ready. */
  readonly told: boolean;
  /** Monotonic; not tried again before. */
  readonly retryAtMs?: number;
  /** Monotonic; set while it may be half written, see {@link SETTLE_MS}. */
  readonly settlesAtMs?: number;
}

/** Binds the engines that leave a handoff file, and unbinds them when the file goes. */
@Injectable()
export class HandoffService {
  private readonly files = new Map<string, KnownHandoff>();

  constructor(
    private readonly folder: HandoffFolder,
    private readonly bindings: BindingsService,
    private readonly registry: PoolRegistry,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** By name. */
  known(): readonly KnownHandoff[] {
    return [...this.files.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** One look at the folder; whatever is wrong with a file stays with that file. */
  async scan(): Promise<void> {
    const listed = await this.folder.list(this.files);
    // Unreadable for the moment is not removed: what is bound stays bound.
    const names = listed ?? [...this.files.keys()];
    for (const name of names) await this.look(name);
    const present = new Set(names);
    for (const known of this.known()) if (!present.has(known.file)) await this.removed(known);
    if (listed && !this.folder.isFlooded) await this.unbindUnnamed();
  }

  private async look(file: string): Promise<void> {
    const version = await this.folder.versionOf(file);
    if (version === undefined) return;
    const before = this.files.get(file);
    if (before?.version === version && !this.isSettled(before)) {
      // Again at every scan: a dead engine may have come back, or somebody has taken its binding away.
      const isDue = before.state !== 'ignored' && (before.retryAtMs ?? 0) <= this.clock.nowMs();
      if (isDue && before.handoff) await this.bind(before, before.handoff);
      return;
    }
    const reading = await this.folder.readHandoff(file);
    const seen = { file, version, firstSeenMs: before?.firstSeenMs ?? this.clock.wallMs() };
    const said = before?.handoff;
    if (!reading.ok) {
      // What it has bound stays, until the file goes or says something else.
      const known = { ...seen, told: before?.told ?? false, ...(said && { handoff: said }) };
      const mayBeWritten = reading.isPartial === true && before?.version !== version;
      if (mayBeWritten) this.awaitRest(known, reading.reason);
      else this.ignore(known, reading.reason);
      return;
    }
    const { handoff } = reading;
    const hasMoved = said !== undefined && !isSameReplica(said, handoff);
    const known: KnownHandoff = { ...seen, state: 'waiting', handoff, told: !hasMoved && (before?.told ?? false) };
    this.files.set(file, known);
    if (hasMoved) await this.unbind(said, 'handoff_changed');
    await this.bind(known, handoff);
  }

  private async bind(known: KnownHandoff, handoff: Handoff): Promise<void> {
    const { poolId, replicaId, url } = handoff;
    const bound = await this.registry.replica(poolId, replicaId);
    let told = known.told;
    if (!bound || bound.leaving || (!bound.live && bound.url !== url)) {
      try {
        const outcome = await this.bindings.bind({ ...handoff, source: 'handoff' });
        if (outcome === 'bound' || outcome === 'replaced') told = false;
      } catch (thrown) {
        this.refused(known, asServiceError(thrown));
        return;
      }
    }
    const now = await this.registry.replica(poolId, replicaId);
    const isReady = now?.ready === true;
    const isElsewhere = now !== undefined && now.url !== url;
    if (isReady && !isElsewhere && !told && now.source === 'handoff') {
      this.tellBound(handoff, now);
      told = true;
    }
    const { reason: _past, retryAtMs: _due, ...rest } = known;
    this.files.set(known.file, {
      ...rest,
      state: isReady ? 'bound' : 'waiting',
      handoff,
      told,
      ...(isElsewhere && { reason: 'its replica is alive at another address' }),
    });
  }

  private tellBound({ poolId, replicaId }: Handoff, { engine, engineVersion }: ReplicaStatus): void {
    this.narrator.tell(`The engine of the handoff is bound: pool ${poolId} is ready with replica ${replicaId}.`, {
      event: 'autobind',
      engine,
      engine_version: engineVersion,
      pool_id: poolId,
      replica_id: replicaId,
    });
  }

  /** A name that has no address yet may have one soon, and nobody will write the file again for that. */
  private refused(known: KnownHandoff, { message, retriable }: ServiceError): void {
    if (!retriable) return this.ignore(known, message);
    const { file, reason } = known;
    this.files.set(file, { ...known, state: 'waiting', reason: message, retryAtMs: this.clock.nowMs() + RETRY_MS });
    if (reason === message) return;
    const human = `The engine of a handoff file cannot be bound yet and is tried again: ${message}.`;
    this.narrator.warn(human, { event: 'handoff_waiting', file: shown(file) });
  }

  private awaitRest(known: Omit<KnownHandoff, 'state'>, reason: string): void {
    const settlesAtMs = this.clock.nowMs() + SETTLE_MS;
    this.files.set(known.file, { ...known, state: 'waiting', reason: `${reason} (yet)`, settlesAtMs });
  }

  /** It could not be read as a whole, and has not changed for so long that nobody seems to write it. */
  private isSettled({ settlesAtMs }: KnownHandoff): boolean {
    return settlesAtMs !== undefined && settlesAtMs <= this.clock.nowMs();
  }

  /** One line, until the file changes. */
  private ignore(known: Omit<KnownHandoff, 'state'>, reason: string): void {
    this.files.set(known.file, { ...known, state: 'ignored', reason });
    this.narrator.warn(`A handoff file is left alone: ${reason}.`, {
      event: 'handoff_ignored',
      file: shown(known.file),
    });
  }

  private async removed({ file, handoff }: KnownHandoff): Promise<void> {
    this.files.delete(file);
    if (handoff) await this.unbind(handoff, 'handoff_removed');
  }

  /** What handoffs have bound and no file names: a file can go while the service is down. */
  private async unbindUnnamed(): Promise<void> {
    const named = this.known().flatMap(({ handoff }) => handoff ?? []);
    const bound = (await this.registry.pools()).flatMap(({ replicas }) => replicas);
    for (const replica of bound) {
      const isOurs = replica.source === 'handoff' && !replica.leaving && replica.isElsewhere !== true;
      if (isOurs && !named.some(handoff => isSameReplica(handoff, replica))) {
        await this.bindings.unbind(replica.poolId, replica.replicaId, { reason: 'handoff_removed' });
      }
    }
  }

  /** Only what a handoff has bound, and no other file names: the same replica may have registered itself since. */
  private async unbind(said: Handoff, reason: UnbindCause['reason']): Promise<void> {
    const { poolId, replicaId } = said;
    const replica = await this.registry.replica(poolId, replicaId);
    if (!replica) return;
    const isNamed = this.known().some(
      ({ handoff }) => handoff && isSameReplica(handoff, said) && handoff.url === replica.url,
    );
    if (replica.source === 'handoff' && !isNamed) await this.bindings.unbind(poolId, replicaId, { reason });
  }
}

function shown(file: string): string {
  return file.replace(/\p{Cc}/gu, '?').slice(0, MAX_NAME_SHOWN);
}

type ReplicaName = Pick<Handoff, 'poolId' | 'replicaId'>;

function isSameReplica(a: ReplicaName, b: ReplicaName): boolean {
  return a.poolId === b.poolId && a.replicaId === b.replicaId;
}
