import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContentDraft } from '../../uploads/file-contents.port';
import { syncFolder } from '../files/folder-sync';
import { storageError } from '../files/storage-error';
import type { ContentRoom } from './content-room';

/** A file under a temporary name beside its own: written as it comes, synced, renamed, and its name synced. */
export class FolderDraft implements ContentDraft {
  private length = 0;
  private isOver = false;

  private constructor(
    private readonly temporary: string,
    private readonly path: string,
    private readonly room: ContentRoom,
    private readonly onKept: (bytes: number) => void,
    private readonly handle: FileHandle,
  ) {}

  static async begin(
    temporary: string,
    path: string,
    room: ContentRoom,
    onKept: (bytes: number) => void,
  ): Promise<FolderDraft> {
    try {
      return new FolderDraft(temporary, path, room, onKept, await open(temporary, 'wx', 0o600));
    } catch (cause) {
      throw storageError(cause);
    }
  }

  get bytes(): number {
    return this.length;
  }

  async append(piece: Buffer): Promise<void> {
    this.room.take(piece.length);
    this.length += piece.length;
    try {
      for (let at = 0; at < piece.length;) at += (await this.handle.write(piece, at)).bytesWritten;
    } catch (cause) {
      throw storageError(cause);
    }
  }

  async keep(): Promise<void> {
    try {
      await this.handle.sync();
      await this.handle.close();
      await rename(this.temporary, this.path);
      await syncFolder(dirname(this.path));
      this.isOver = true;
      this.onKept(this.length);
    } catch (cause) {
      await this.abandon();
      throw storageError(cause);
    }
  }

  async abandon(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await this.handle.close().catch(() => undefined);
    for (const path of [this.temporary, this.path]) await rm(path, { force: true }).catch(() => undefined);
    this.room.giveBack(this.length);
  }
}
