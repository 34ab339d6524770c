import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import {
  ArtifactStore,
  type ArtifactInfo,
  type ArtifactQuery,
  type CanonicalDocument,
  type PutOptions,
} from '../../artifacts/artifact-store.port';
import { TurnoverSet } from '../../collections/turnover-set';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { KeptFile } from '../../files/kept-file';
import { ArtifactIndex, NAME_BYTES } from './artifact-index';
import { fileNameOf, infoOf, StoredName } from './artifact-name';
import {
  type FileReading,
  filesOf,
  isFile,
  makeFolder,
  readBounded,
  removeDurably,
  removeFile,
  writeAtomically,
} from './atomic-file';
import { sha256 } from './content-hash';
import { syncFolder } from './folder-sync';
import { KeyTurns } from './key-turns';
import { PutsUnderWay, type PutUnderWay } from './puts-under-way';
import { assertInPlace } from './storage-error';
import { TranscriptPacks } from './transcript-packs';
import { WritingNotes } from './writing-notes';

/** One folder for each first digit of an id: so few that puts at the same time share folder syncs, which halves their cost. */
const SHARDS = [...'0123456789abcdef'];
/** Transcripts removed at once to make room. */
const REMOVAL_STEP = 64;

/** A pack of transcripts takes no more once it has this size, or this part of what the store may hold. */
const PACK_BYTES = 16 * 1024 * 1024;
const PACK_SHARE = 1 / 16;

/**
 * Uploaded documents are a file each; transcripts, of which there is one a task, are many to a file (see {@link TranscriptPacks}).
 * Transcripts of the version before, a file each, are read and removed as they come.
 */
@Injectable()
export class FileArtifactStore extends ArtifactStore implements OnModuleInit, OnModuleDestroy {
  private readonly root: string;
  private readonly index = new ArtifactIndex();
  private readonly packs: TranscriptPacks;
  private folder: KeptFile | undefined;
  private readonly notes: WritingNotes;
  /** Changes of files, by artifact. */
  private readonly turns = new KeyTurns();
  private readonly underWay: PutsUnderWay;
  /** Puts that write, and the room they were given: it counts against the bound before they are in the index. */
  private readonly storing = new TurnoverSet<Promise<void>>();
  private reservedBytes = 0;
  /** Removals of old transcripts under way: what shares a file with others has its room only once the file is gone. */
  private readonly dropping = new Set<Promise<void>>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
    private readonly narrator: Narrator,
    alarms: Alarms,
  ) {
    super();
    this.root = join(config.dataDir, 'artifacts');
    const packBytes = Math.min(PACK_BYTES, config.artifactsMaxBytes * PACK_SHARE);
    this.packs = new TranscriptPacks(join(this.root, 'transcripts'), packBytes, alarms);
    this.underWay = new PutsUnderWay(alarms, () => this.packs.hurry());
    this.notes = new WritingNotes(narrator, 'artifacts');
  }

  async onModuleInit(): Promise<void> {
    await makeFolder(this.root);
    this.folder = new KeptFile(this.root);
    for (const shard of SHARDS) await this.openShard(join(this.root, shard));
    for (const info of await this.packs.open(this.folder)) this.index.add(info);
    const { lastStoredMs } = this.index;
    if (lastStoredMs !== undefined) this.runningTime.resumeAfter(lastStoredMs);
  }

  async onModuleDestroy(): Promise<void> {
    await this.underWay.listed({ limit: 0 });
    await this.packs.close();
    this.folder?.close();
    this.folder = undefined;
  }

  put(
    document: CanonicalDocument,
    kind: ArtifactInfo['kind'],
    taskId?: string,
    { isAwaited = true }: PutOptions = {},
  ): Promise<void> {
    const put = { id: document.id, taskId, isAwaited };
    const work = (): Promise<void> => this.putOnce(document, kind, put);
    // Nobody knows of a document before its put has ended.
    return kind === 'transcript' ? this.underWay.during(put, work) : work();
  }

  override hurry(): void {
    this.underWay.hurryAll();
  }

  async get(id: string): Promise<string | undefined> {
    const underWay = this.underWay.of(id);
    const found = await this.stored(id);
    if (found !== undefined || !underWay) return found;
    await underWay;
    return this.stored(id);
  }

  async list(query: ArtifactQuery): Promise<readonly ArtifactInfo[]> {
    await this.underWay.listed(query);
    return this.index.list(query).map(found => (found instanceof StoredName ? found.info : found));
  }

  async delete(id: string): Promise<boolean> {
    await this.underWay.of(id);
    if (!this.index.find(id)) return false;
    return this.turns.run(id, async () => {
      const names = this.index.namesOf(id);
      if (names.length === 0) return false;
      const files = names.filter(info => !this.packs.holds(info));
      if (files.length > 0) await removeDurably(this.folderOf(id), files.map(fileNameOf));
      for (const info of names) await this.packs.erase(info);
      for (const info of names) this.index.delete(info);
      return true;
    });
  }

  async expireTranscripts(storedBeforeMs: number, limit: number): Promise<number> {
    for (let removed = 0; ; removed++) {
      const oldest = this.index.oldestTranscript();
      if (removed === limit || !oldest || oldest.storedAtMs >= storedBeforeMs) return removed;
      await this.drop(oldest);
    }
  }

  private async putOnce(document: CanonicalDocument, kind: ArtifactInfo['kind'], put: PutUnderWay): Promise<void> {
    const { taskId } = put;
    const { id, json } = document;
    const neededBytes = NAME_BYTES + Buffer.byteLength(json);
    for (;;) {
      if (this.index.holds(id, kind, taskId)) {
        if (await this.isStored(id)) return;
        if (this.index.holds(id, kind, taskId)) continue; // Put anew meanwhile.
      }
      // Nothing is awaited from here until the room is taken.
      if (this.fits(neededBytes)) return this.storeReserved(document, kind, put, neededBytes);
      await this.makeRoom(neededBytes);
    }
  }

  private async stored(id: string): Promise<string | undefined> {
    let isDamaged = false;
    for (let info = this.index.find(id); info; info = this.index.find(id)) {
      const reading = await this.read(info);
      if (reading?.bytes && (await sha256(reading.bytes)) === id) return reading.bytes.toString();
      isDamaged ||= reading !== undefined;
      if (reading) await this.setAside(info);
      else this.index.delete(info); // Somebody else has removed the file.
    }
    if (!isDamaged) return undefined;
    throw new ServiceError('INTERNAL', { message: 'The stored artifact is damaged.', retriable: false });
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
    const takenBytes = this.index.bytes + this.packs.deadBytes + this.reservedBytes;
    return takenBytes + neededBytes <= this.config.artifactsMaxBytes;
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
    if (drops.length > 0) return void (await Promise.all(drops));
    const underWay = [...this.storing, ...this.dropping];
    this.underWay.hurryAll();
    if (underWay.length === 0) throw new ServiceError('STORAGE_FULL', { message: 'The artifact store is full.' });
    await Promise.race(underWay);
  }

  private async storeReserved(
    document: CanonicalDocument,
    kind: ArtifactInfo['kind'],
    put: PutUnderWay,
    reservedBytes: number,
  ): Promise<void> {
    this.reservedBytes += reservedBytes;
    const stored = this.notes.note(this.turns.run(document.id, () => this.store(document, kind, put)));
    const settled = stored.catch(() => undefined);
    const seat = this.storing.add(settled);
    try {
      await stored;
    } finally {
      this.storing.delete(seat);
      this.reservedBytes -= reservedBytes;
    }
  }

  private async store({ id, json }: CanonicalDocument, kind: ArtifactInfo['kind'], put: PutUnderWay): Promise<void> {
    const { taskId } = put;
    if (this.index.holds(id, kind, taskId)) return;
    const bytes = Buffer.byteLength(json);
    const createdAtMs = this.clock.wallMs();
    const storedAtMs = Math.floor(this.runningTime.nowMs());
    const info = new StoredName({ id, kind, createdAtMs, storedAtMs, bytes, ...(taskId !== undefined && { taskId }) });
    if (kind === 'transcript') await this.packs.append(info, json, put.isAwaited);
    else await this.write(info, json);
    this.index.add(info);
  }

  private async write(info: ArtifactInfo, json: string): Promise<void> {
    await writeAtomically(this.pathOf(info), json);
    assertInPlace(this.folder);
  }

  /** False where files were taken away: their names are known no more, and what is put again is written again. */
  private async isStored(id: string): Promise<boolean> {
    let allAreThere = true;
    for (const info of this.index.namesOf(id)) {
      if (await (this.packs.holds(info) ? this.packs.isStored(info) : isFile(this.pathOf(info)))) continue;
      allAreThere = false;
      this.index.delete(info);
    }
    return allAreThere;
  }

  /** Undefined where it is gone. */
  private async read(info: ArtifactInfo): Promise<FileReading | undefined> {
    if (!this.packs.holds(info)) return readBounded(this.pathOf(info), info.bytes);
    const bytes = await this.packs.read(info);
    return bytes && { bytes };
  }

  /** Gone from the index at once. Not synced: what a loss of power brings back is dropped again. */
  private drop(info: ArtifactInfo): Promise<void> {
    this.index.delete(info);
    const dropped = this.packs.holds(info) ? this.packs.drop(info) : this.dropFile(info);
    const settled = dropped.catch(() => undefined).finally(() => this.dropping.delete(settled));
    this.dropping.add(settled);
    return dropped;
  }

  private dropFile(info: ArtifactInfo): Promise<void> {
    return this.turns.run(info.id, async () => {
      // Put again meanwhile, perhaps in the same millisecond: then that is the same file.
      if (!this.index.holds(info.id, info.kind, info.taskId)) await removeFile(this.pathOf(info));
    });
  }

  /** A damaged file is kept for whoever wants to look at it. */
  private setAside(damaged: ArtifactInfo): Promise<void> {
    return this.turns.run(damaged.id, async () => {
      if (!this.index.namesOf(damaged.id).includes(damaged)) return;
      this.index.delete(damaged);
      let human = 'A stored transcript does not match its id; it is given out no more.';
      if (this.packs.holds(damaged)) {
        await this.packs.drop(damaged);
      } else {
        const path = this.pathOf(damaged);
        await rename(path, `${path}.damaged`).catch(() => undefined);
        human = 'A stored artifact does not match its id; its file was set aside with the ending .damaged.';
      }
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
