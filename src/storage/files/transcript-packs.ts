import { close, constants, open as openFile, write } from 'node:fs';
import { open, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ArtifactInfo } from '../../artifacts/artifact-store.port';
import { KeptFile } from '../../files/kept-file';
import type { Alarms } from '../../time/alarms';
import { AppendQueue, type Append } from './append-queue';
import { StoredName } from './artifact-name';
import { makeFolder, removeDurably, removeFile } from './atomic-file';
import { syncFolder } from './folder-sync';
import { artifactsIn, DELETED, headOf, listOf, readList, recordBytesOf, type PackedArtifact } from './pack';
import { assertInPlace, isMissing, storageError } from './storage-error';

/** What one write takes at most. */
const GROUP_BYTES = 4 * 1024 * 1024;
/** Each write is synced by the kernel before it returns: one way to libuv's pool and back, and not a second one for `fdatasync`. */
const PACK_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC;
/** A number and not a FileHandle: that one costs a promise more each call, and the file is open as long as the service runs. */
const handles = {
  open: promisify(openFile),
  write: promisify(write),
  close: promisify(close),
};
const packName = /^(\d{1,15})\.pack$/;

interface Pack {
  readonly number: number;
  /** Of the file. */
  bytes: number;
  /** Records that are wanted, written or about to be. */
  wanted: number;
  wantedBytes: number;
  /** Settles when its list is written; undefined while it takes more. */
  listed?: Promise<void>;
}

/** The pack that is written to. */
interface Current {
  readonly pack: Pack;
  readonly file: number;
  readonly kept: KeptFile;
  artifacts: PackedArtifact[];
}

/**
 * Transcripts in few files that only grow: whatever arrived while the last write was under way, or was gathered, is one write, which is
 * synced. A file each, made durable, costs the kernel some ten times as much. They are removed oldest first, so a pack goes as a whole
 * when nothing in it is wanted any more.
 *
 * After a failed write or sync nothing is known of the end of that pack: it takes no more, and the next write begins another. So
 * does each start of the service.
 */
export class TranscriptPacks {
  private readonly packs = new Set<Pack>();
  private current: Current | undefined;
  private lastNumber = 0;
  private readonly queue: AppendQueue;
  /** Settles when nothing is due any more; undefined then. */
  private writing: Promise<void> | undefined;
  private dead = 0;
  private within: KeptFile | undefined;

  constructor(
    private readonly folder: string,
    /** A pack takes no more once it has this size. */
    private readonly packBytes: number,
    alarms: Alarms,
  ) {
    this.queue = new AppendQueue(alarms, Math.min(GROUP_BYTES, packBytes), () => {
      // What else ends in this turn goes with it.
      this.writing ??= immediate().then(() => this.writeAll());
    });
  }

  /** Bytes of records that are not wanted, in packs that hold others which are. */
  get deadBytes(): number {
    return this.dead;
  }

  /**
   * What the process before has left. It may not be synced, for that process may have been killed before: it is now.
   * @param within the folder that no pack is begun without
   */
  async open(within?: KeptFile): Promise<readonly ArtifactInfo[]> {
    this.within = within;
    await makeFolder(this.folder);
    const numbers = (await readdir(this.folder)).flatMap(name => (packName.exec(name) ? [parseInt(name, 10)] : []));
    const found: ArtifactInfo[] = [];
    for (const number of numbers.sort((a, b) => a - b)) for (const info of await this.load(number)) found.push(info);
    await syncFolder(this.folder);
    return found;
  }

  holds(info: ArtifactInfo): boolean {
    return placeOf(info) !== undefined;
  }

  /**
   * Resolves once it is durable.
   * @param isAwaited false where nobody waits for that: it may be gathered with others for some milliseconds
   * @throws ServiceError STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  append(info: StoredName, json: string, isAwaited = true): Promise<void> {
    const head = headOf(info);
    const record = `${head}${json}\n`;
    const recordBytes = head.length + info.bytes + 1;
    return new Promise((done, failed) => {
      this.queue.push({ info, record, recordBytes, done, failed }, isAwaited);
    });
  }

  /** Somebody waits for what is gathered. */
  hurry(): void {
    this.queue.hurry();
  }

  /** Resolves once what was appended is written; the next start has no pack to look through then. */
  async close(): Promise<void> {
    while (this.writing || !this.queue.isEmpty) {
      this.queue.hurry();
      await this.writing;
    }
    if (this.current) await this.finish(this.current);
  }

  /** Whether the content of an artifact is where it would be read. */
  async isStored(info: ArtifactInfo): Promise<boolean> {
    const place = placeOf(info);
    if (!place) return false;
    if (this.current?.pack === place.pack) return this.current.kept.isInPlace;
    const size = await stat(this.pathOf(place.pack)).then(
      found => found.size,
      () => 0,
    );
    return size >= place.offset + recordBytesOf(info);
  }

  /** The content as it stands there; undefined when it is gone. @throws ServiceError STORAGE_UNAVAILABLE */
  async read(info: ArtifactInfo): Promise<Buffer | undefined> {
    const place = placeOf(info);
    if (!place) return undefined;
    try {
      const file = await open(this.pathOf(place.pack), 'r');
      try {
        const content = Buffer.alloc(info.bytes);
        await file.read(content, 0, info.bytes, place.offset + headOf(info).length);
        return content;
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw storageError(cause);
    }
  }

  /** It is not wanted any more. Not synced: the next start may find it again. @throws ServiceError STORAGE_UNAVAILABLE */
  async drop(info: ArtifactInfo): Promise<void> {
    const place = placeOf(info);
    if (!place) return;
    place.name.place(undefined);
    await this.unwant(place.pack, info);
  }

  /** It is gone for good, and its content blank, when this resolves. @throws ServiceError STORAGE_UNAVAILABLE */
  async erase(info: ArtifactInfo): Promise<void> {
    const place = placeOf(info);
    if (!place) return;
    const { current } = this;
    if (current?.pack === place.pack) current.artifacts = current.artifacts.filter(other => other.info !== info);
    try {
      // The list goes first, for it would bring it back.
      await place.pack.listed;
      await removeDurably(this.folder, [listNameOf(place.pack)]);
      const file = await open(this.pathOf(place.pack), 'r+');
      try {
        await file.write(DELETED, place.offset);
        await file.write(' '.repeat(info.bytes), place.offset + headOf(info).length);
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (!isMissing(cause)) throw storageError(cause);
    }
    await this.drop(info);
  }

  private async load(number: number): Promise<readonly ArtifactInfo[]> {
    const pack: Pack = { number, bytes: 0, wanted: 0, wantedBytes: 0 };
    const path = this.pathOf(pack);
    let found: readonly ArtifactInfo[];
    const file = await open(path, 'r');
    try {
      pack.bytes = (await file.stat()).size;
      const listed = readList(this.listPathOf(pack));
      const artifacts = listed ?? artifactsIn(path);
      if (!listed) {
        await file.datasync();
        await this.writeList(pack, artifacts);
      }
      for (const { info, offset } of artifacts) place(info, pack, offset, recordBytesOf(info));
      found = artifacts.map(({ info }) => info);
      this.dead += pack.bytes - pack.wantedBytes;
      this.packs.add(pack);
      this.lastNumber = number;
    } finally {
      await file.close();
    }
    if (pack.wanted === 0) await this.remove(pack);
    return found;
  }

  /** Never rejects. */
  private async writeAll(): Promise<void> {
    while (this.queue.isDue) {
      const group = this.queue.takeGroup(this.packBytes - (this.current?.pack.bytes ?? 0));
      try {
        await this.write(group, (this.current ??= await this.begin()));
        for (const { done } of group) done();
      } catch (cause) {
        await this.giveUpCurrent();
        for (const { info, failed } of group) {
          await this.drop(info).catch(() => undefined);
          failed(storageError(cause));
        }
      }
    }
    this.writing = undefined;
  }

  private async write(group: readonly Append[], current: Current): Promise<void> {
    const { pack, file, kept, artifacts } = current;
    const bytes = Buffer.from(group.map(({ record }) => record).join(''));
    const from = pack.bytes;
    for (const { info, recordBytes } of group) {
      artifacts.push({ info, offset: pack.bytes });
      place(info, pack, pack.bytes, recordBytes);
      pack.bytes += recordBytes;
    }
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await handles.write(file, bytes, written, bytes.length - written, from + written);
      written += bytesWritten;
    }
    assertInPlace(kept);
    if (pack.bytes >= this.packBytes) await this.finish(current);
  }

  private async begin(): Promise<Current> {
    const pack: Pack = { number: ++this.lastNumber, bytes: 0, wanted: 0, wantedBytes: 0 };
    const file = await handles.open(this.pathOf(pack), PACK_FLAGS, 0o600);
    try {
      assertInPlace(this.within);
      await syncFolder(this.folder);
      const kept = new KeptFile(this.pathOf(pack));
      this.packs.add(pack);
      return { pack, file, kept, artifacts: [] };
    } catch (cause) {
      await handles.close(file);
      throw cause;
    }
  }

  /** It takes no more. */
  private async finish({ pack, file, kept, artifacts }: Current): Promise<void> {
    this.current = undefined;
    kept.close();
    if (pack.wanted > 0) pack.listed = this.writeList(pack, artifacts);
    await handles.close(file).catch(() => undefined); // What was acknowledged is synced.
    await (pack.listed ?? this.remove(pack));
  }

  /** Without a list: what its end has come to is for the next start to find out. */
  private async giveUpCurrent(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (!current) return;
    current.kept.close();
    await handles.close(current.file).catch(() => undefined);
  }

  /** Best effort: without it the next start reads the pack itself. */
  private async writeList(pack: Pack, artifacts: readonly PackedArtifact[]): Promise<void> {
    await writeFile(this.listPathOf(pack), listOf(artifacts), { mode: 0o600 }).catch(() => undefined);
  }

  private async unwant(pack: Pack, info: ArtifactInfo): Promise<void> {
    const bytes = recordBytesOf(info);
    pack.wanted--;
    pack.wantedBytes -= bytes;
    this.dead += bytes;
    if (pack.wanted > 0) return;
    if (this.current?.pack !== pack) await this.remove(pack);
    // While something is written to it, something in it is about to be wanted.
    else if (!this.writing) await this.finish(this.current);
  }

  private async remove(pack: Pack): Promise<void> {
    if (!this.packs.delete(pack)) return;
    this.dead -= pack.bytes;
    await pack.listed;
    // In this order: a list without its pack would one day be taken for that of another.
    await removeFile(this.listPathOf(pack));
    await removeFile(this.pathOf(pack));
  }

  private pathOf({ number }: Pack): string {
    return join(this.folder, `${number}.pack`);
  }

  private listPathOf(pack: Pack): string {
    return join(this.folder, listNameOf(pack));
  }
}

function place(info: StoredName, pack: Pack, offset: number, recordBytes: number): void {
  info.place(pack, offset);
  pack.wanted++;
  pack.wantedBytes += recordBytes;
}

function placeOf(
  info: ArtifactInfo,
): { readonly name: StoredName; readonly pack: Pack; readonly offset: number } | undefined {
  if (!(info instanceof StoredName) || !info.pack) return undefined;
  return { name: info, pack: info.pack as Pack, offset: info.offset };
}

function listNameOf({ number }: Pack): string {
  return `${number}.list`;
}
