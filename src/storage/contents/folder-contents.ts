import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../config/config';
import { otherEnd } from '../../uploads/content-faults';
import { FileContents, type ContentDraft } from '../../uploads/file-contents.port';
import { filesOf, makeFolder, removeDurably, TEMPORARY } from '../files/atomic-file';
import { syncFolder } from '../files/folder-sync';
import { isMissing, storageError } from '../files/storage-error';
import { ContentRoom } from './content-room';
import { FolderDraft } from './folder-draft';

/** One file for each, by its id, in the folder `files` of the data folder. */
@Injectable()
export class FolderContents extends FileContents implements OnModuleInit {
  private readonly folder: string;
  private readonly room: ContentRoom;
  /** Those whose names are on disk, and their bytes as they are counted. */
  private readonly kept = new Map<string, number>();

  constructor(config: Config) {
    super();
    this.folder = join(config.dataDir, 'files');
    this.room = new ContentRoom(config.filesMaxBytes);
  }

  async onModuleInit(): Promise<void> {
    await makeFolder(this.folder);
    for (const id of await filesOf(this.folder)) {
      const { size } = await stat(this.pathOf(id));
      this.room.add(size);
      this.kept.set(id, size);
    }
    await syncFolder(this.folder);
  }

  async ids(): Promise<readonly string[]> {
    return [...this.kept.keys()];
  }

  async draft(id: string): Promise<ContentDraft> {
    const temporary = join(this.folder, TEMPORARY + randomBytes(16).toString('hex'));
    return FolderDraft.begin(temporary, this.pathOf(id), this.room, bytes => void this.kept.set(id, bytes));
  }

  async size(id: string): Promise<number | undefined> {
    try {
      return (await stat(this.pathOf(id))).size;
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw storageError(cause);
    }
  }

  async read(id: string, fromByte: number, maxBytes: number): Promise<Buffer> {
    const bytes = await this.opened(id, async file => {
      const buffer = Buffer.allocUnsafe(maxBytes);
      const { bytesRead } = await file.read(buffer, 0, maxBytes, fromByte);
      return buffer.subarray(0, bytesRead);
    });
    return bytes ?? Buffer.alloc(0);
  }

  async stream(id: string): Promise<{ readonly bytes: number; readonly content: Readable } | undefined> {
    const bytes = await this.size(id);
    if (bytes === undefined) return undefined;
    const content = createReadStream(this.pathOf(id), bytes === 0 ? {} : { end: bytes - 1 });
    return { bytes, content };
  }

  async append(id: string, atByte: number, piece: Buffer): Promise<void> {
    try {
      const file = await open(this.pathOf(id), 'a', 0o600);
      try {
        const { size } = await file.stat();
        if (size !== atByte) throw otherEnd(id, atByte);
        for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten;
        await file.datasync();
      } finally {
        await file.close();
      }
      if (!this.kept.has(id)) await syncFolder(this.folder);
    } catch (cause) {
      throw storageError(cause);
    }
    this.kept.set(id, (this.kept.get(id) ?? 0) + piece.length);
    this.room.add(piece.length);
  }

  async truncate(id: string, bytes: number): Promise<void> {
    const before = await this.size(id);
    if (before === undefined || before <= bytes) return;
    try {
      await truncate(this.pathOf(id), bytes);
    } catch (cause) {
      throw storageError(cause);
    }
    const counted = this.kept.get(id) ?? 0;
    if (counted <= bytes) return;
    this.room.giveBack(counted - bytes);
    this.kept.set(id, bytes);
  }

  async remove(id: string): Promise<void> {
    await removeDurably(this.folder, [id]);
    this.room.giveBack(this.kept.get(id) ?? 0);
    this.kept.delete(id);
  }

  private async opened<T>(id: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
    try {
      const file = await open(this.pathOf(id), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw storageError(cause);
    }
  }

  private pathOf(id: string): string {
    return join(this.folder, id);
  }
}
