import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { asServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { BindingsService } from '../pools/bindings.service';
import { PoolRegistry } from '../pools/pool-registry.port';
import { Clock } from '../time/clock';
import { readHandoff, type Handoff } from './handoff-file';

/** More files than engines fit on any machine; the rest is left alone. */
const MAX_FILES = 1024;

export type HandoffState = 'waiting' | 'bound' | 'ignored';

/** What is known of one file. */
export interface KnownHandoff {
  readonly file: string;
  readonly state: HandoffState;
  readonly reason?: string;
  readonly handoff?: Handoff;
  /** Changes with the file: a file that is as it was is not read again. */
  readonly version: string;
  readonly firstSeenMs: number;
}

/** Binds the engines that leave a handoff file, and unbinds them when the file goes. */
@Injectable()
export class HandoffService {
  private readonly files = new Map<string, KnownHandoff>();
  private folderWasReadable = true;

  constructor(
    private readonly config: Config,
    private readonly bindings: BindingsService,
    private readonly registry: PoolRegistry,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  known(): readonly KnownHandoff[] {
    return [...this.files.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** One look at the folder; whatever is wrong with a file stays with that file. */
  async scan(): Promise<void> {
    const names = await this.list();
    for (const name of names) await this.look(name);
    const present = new Set(names);
    for (const known of this.known()) if (!present.has(known.file)) await this.removed(known);
  }

  /** An absent folder has no files; it may be made later. */
  private async list(): Promise<readonly string[]> {
    try {
      const names = (await readdir(this.config.runtimeDir))
        .filter(name => name.endsWith('.json') && !name.startsWith('.'))
        .sort();
      this.folderWasReadable = true;
      return names.slice(0, MAX_FILES);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [];
      // Unreadable for the moment is not removed: what is bound stays bound.
      if (this.folderWasReadable)
        this.narrator.warn('The handoff folder cannot be read.', { event: 'handoff_unreadable' }, cause);
      this.folderWasReadable = false;
      return [...this.files.keys()];
    }
  }

  private async look(name: string): Promise<void> {
    const path = join(this.config.runtimeDir, name);
    const version = await versionOf(path);
    const known = this.files.get(name);
    if (version === undefined) return;
    if (known?.version === version) {
      if (known.state !== 'ignored' && known.handoff) await this.bind(known, known.handoff);
      return;
    }
    const reading = await readHandoff(path);
    const firstSeenMs = known?.firstSeenMs ?? this.clock.wallMs();
    if (known?.handoff && reading.ok && !isSameReplica(known.handoff, reading.handoff))
      await this.unbind(known.handoff);
    if (reading.ok)
      await this.bind(
        { file: name, state: 'waiting', handoff: reading.handoff, version, firstSeenMs },
        reading.handoff,
      );
    else this.ignore({ file: name, state: 'ignored', version, firstSeenMs }, reading.reason);
  }

  /** Again at every scan: a dead engine may have come back, or its file may name its new address. */
  private async bind(known: KnownHandoff, handoff: Handoff): Promise<void> {
    const { poolId, replicaId } = handoff;
    const bound = await this.registry.replica(poolId, replicaId);
    if (!bound || (!bound.live && bound.url !== handoff.url) || bound.leaving) {
      try {
        await this.bindings.bind({ ...handoff, source: 'handoff' });
      } catch (thrown) {
        this.ignore(known, asServiceError(thrown).message);
        return;
      }
    }
    const now = await this.registry.replica(poolId, replicaId);
    const ready = now?.ready === true;
    if (
      ready &&
      known.state !== 'bound' &&
      now.url === handoff.url &&
      !(bound?.ready === true && bound.source !== 'handoff')
    ) {
      this.tellBound(handoff, now.engineVersion);
    }
    this.files.set(known.file, { ...known, state: ready ? 'bound' : 'waiting', handoff });
  }

  private tellBound({ poolId, replicaId, engine }: Handoff, engineVersion: string): void {
    this.narrator.tell(`The engine of the handoff is bound: pool ${poolId} is ready with replica ${replicaId}.`, {
      event: 'autobind',
      engine,
      engine_version: engineVersion,
      pool_id: poolId,
      replica_id: replicaId,
    });
  }

  /** One line, until the file changes. */
  private ignore(known: KnownHandoff, reason: string): void {
    this.files.set(known.file, { ...known, state: 'ignored', reason });
    this.narrator.warn(`A handoff file is left alone: ${reason}.`, {
      event: 'handoff_ignored',
      file: known.file.slice(0, 128),
    });
  }

  private async removed(known: KnownHandoff): Promise<void> {
    this.files.delete(known.file);
    if (known.handoff) await this.unbind(known.handoff);
  }

  /** Only what a handoff has bound: the same replica may have registered itself since. */
  private async unbind({ poolId, replicaId, url }: Handoff): Promise<void> {
    const replica = await this.registry.replica(poolId, replicaId);
    if (!replica || replica.url !== url || (replica.source !== 'handoff' && replica.source !== 'journal')) return;
    await this.bindings.unbind(poolId, replicaId);
  }
}

function isSameReplica(a: Handoff, b: Handoff): boolean {
  return a.poolId === b.poolId && a.replicaId === b.replicaId;
}

/** Undefined for a file that is gone already. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await lstat(path);
    return [mtimeMs, ctimeMs, size, ino].join(':');
  } catch {
    return undefined;
  }
}
