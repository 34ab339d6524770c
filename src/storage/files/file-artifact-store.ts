import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  ArtifactStore,
  type ArtifactInfo,
  type ArtifactQuery,
  type CanonicalDocument,
} from '../../artifacts/artifact-store.port';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import { ArtifactIndex, NAME_BYTES } from './artifact-index';
import { fileNameOf, infoOf } from './artifact-name';
import {
  filesOf,
  linkDurably,
  makeFolder,
  readBounded,
  removeDurably,
  removeFile,
  writeAtomically,
} from './atomic-file';
import { syncFolder } from './folder-sync';
import { KeyTurns } from './key-turns';

/** One folder for each first digit of an id: so few that puts at the same time share folder syncs, which halves their cost. */
const SHARDS = [...'0123456789abcdef'];
/** Transcripts removed at once to make room. */
const REMOVAL_STEP = 64;
/** Hashed in one go: about a millisecond. */
const HASH_CHUNK_BYTES = 1024 * 1024;

/**
 * Artifacts as files. A content is one file; each further task that produced it is one more name (a hard link) of that file,
 * so that it is stored once, found by every task, and kept as long as the youngest of them.
 */
@Injectable()
export class FileArtifactStore extends ArtifactStore implements OnModuleInit {
  private readonly root: string;
  private readonly index = new ArtifactIndex();
  /** Changes of files, by artifact. */
  private readonly turns = new KeyTurns();
  /** Puts under way, and the room they were given: it counts against the bound before they are in the index. */
  private readonly storing = new Set<Promise<void>>();
  private reservedBytes = 0;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {
    super();
    this.root = join(config.dataDir, 'artifacts');
  }

  async onModuleInit(): Promise<void> {
    await makeFolder(this.root);
    for (const shard of SHARDS) await this.openShard(join(this.root, shard));
  }

  async put(document: CanonicalDocument, kind: ArtifactInfo['kind'], taskId?: string): Promise<void> {
    const { id, json } = document;
    const contentBytes = Buffer.byteLength(json);
    for (;;) {
      if (this.index.holds(id, kind, taskId)) return;
      const isNew = !this.index.find(id) && !this.turns.isTaken(id);
      const neededBytes = NAME_BYTES + (isNew ? contentBytes : 0);
      // Nothing is awaited from here until the room is taken.
      if (this.fits(neededBytes)) return this.storeReserved(document, kind, taskId, neededBytes);
      await this.makeRoom(neededBytes);
    }
  }

  async get(id: string): Promise<string | undefined> {
    for (let info = this.index.find(id); info; info = this.index.find(id)) {
      const reading = await readBounded(this.pathOf(info), info.bytes);
      if (reading?.bytes && (await sha256(reading.bytes)) === id) return reading.bytes.toString();
      if (reading) {
        await this.setAside(info);
        throw new ServiceError('INTERNAL', { message: 'The stored artifact is damaged.', retriable: false });
      }
      this.index.delete(info); // Somebody else has removed the file.
    }
    return undefined;
  }

  async list(query: ArtifactQuery): Promise<readonly ArtifactInfo[]> {
    return this.index.list(query);
  }

  delete(id: string): Promise<boolean> {
    if (!this.index.find(id)) return Promise.resolve(false);
    return this.turns.run(id, async () => {
      const names = this.index.namesOf(id);
      if (names.length === 0) return false;
      await removeDurably(this.folderOf(id), names.map(fileNameOf));
      for (const info of names) this.index.delete(info);
      return true;
    });
  }

  async expireTranscripts(createdBeforeMs: number, limit: number): Promise<number> {
    for (let removed = 0; ; removed++) {
      const oldest = this.index.oldestTranscript();
      if (removed === limit || !oldest || oldest.createdAtMs >= createdBeforeMs) return removed;
      await this.drop(oldest);
    }
  }

  private async openShard(folder: string): Promise<void> {
    await makeFolder(folder);
    for (const name of await filesOf(folder)) {
      const info = infoOf(name);
      if (info && folder === this.folderOf(info.id)) this.index.add(info);
    }
    // A name may be from a put that was killed before its sync. What is in the index is on disk: puts rely on that.
    await syncFolder(folder);
  }

  private fits(neededBytes: number): boolean {
    return this.index.bytes + this.reservedBytes + neededBytes <= this.config.artifactsMaxBytes;
  }

  /** One step towards room: the oldest transcripts go, or a put under way ends. Nothing goes where that would not do. */
  private async makeRoom(neededBytes: number): Promise<void> {
    if (this.index.documentBytes + neededBytes > this.config.artifactsMaxBytes) {
      const message = 'The artifact store is full; delete documents that are not needed.';
      throw new ServiceError('STORAGE_FULL', { message });
    }
    const drops: Promise<void>[] = [];
    while (!this.fits(neededBytes) && drops.length < REMOVAL_STEP) {
      const oldest = this.index.oldestTranscript();
      if (!oldest) break;
      drops.push(this.drop(oldest));
    }
    await (drops.length > 0 ? Promise.all(drops) : Promise.race(this.storing));
  }

  private async storeReserved(
    document: CanonicalDocument,
    kind: ArtifactInfo['kind'],
    taskId: string | undefined,
    reservedBytes: number,
  ): Promise<void> {
    this.reservedBytes += reservedBytes;
    const stored = this.turns.run(document.id, () => this.store(document, kind, taskId));
    const settled = stored.catch(() => undefined);
    this.storing.add(settled);
    try {
      await stored;
    } finally {
      this.storing.delete(settled);
      this.reservedBytes -= reservedBytes;
    }
  }

  private async store({ id, json }: CanonicalDocument, kind: ArtifactInfo['kind'], taskId?: string): Promise<void> {
    if (this.index.holds(id, kind, taskId)) return;
    const bytes = Buffer.byteLength(json);
    const info = { id, kind, createdAtMs: this.clock.wallMs(), bytes, ...(taskId !== undefined && { taskId }) };
    const known = this.index.find(id);
    const isLinked = known !== undefined && (await linkDurably(this.pathOf(known), this.pathOf(info)));
    if (!isLinked) await writeAtomically(this.pathOf(info), json);
    this.index.add(info);
  }

  /** Gone from the index at once. Not synced: what a loss of power brings back is dropped again. */
  private drop(info: ArtifactInfo): Promise<void> {
    this.index.delete(info);
    return this.turns.run(info.id, async () => {
      // Put again meanwhile, perhaps in the same millisecond: then that is the same file.
      if (!this.index.holds(info.id, info.kind, info.taskId)) await removeFile(this.pathOf(info));
    });
  }

  /** A damaged file is kept for whoever wants to look at it; its other names are names of the same bytes. */
  private setAside(damaged: ArtifactInfo): Promise<void> {
    return this.turns.run(damaged.id, async () => {
      if (this.index.find(damaged.id) !== damaged) return;
      const [path, names] = [this.pathOf(damaged), this.index.namesOf(damaged.id)];
      for (const info of names) this.index.delete(info);
      await rename(path, `${path}.damaged`).catch(() => undefined);
      for (const info of names) if (info !== damaged) await removeFile(this.pathOf(info));
      const human = 'A stored artifact does not match its id; its file was set aside with the ending .damaged.';
      this.narrator.fail(human, { event: 'artifact_damaged', artifact_id: damaged.id });
    });
  }

  private folderOf(id: string): string {
    return join(this.root, id.charAt(0));
  }

  private pathOf(info: ArtifactInfo): string {
    return join(this.folderOf(info.id), fileNameOf(info));
  }
}

/** In pieces, so that a long transcript does not hold up the event loop. */
async function sha256(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += HASH_CHUNK_BYTES) {
    if (from > 0) await setImmediate();
    hash.update(bytes.subarray(from, from + HASH_CHUNK_BYTES));
  }
  return hash.digest('hex');
}
