import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { awaitsLeave } from '../http/bodies/request-bodies';
import { Lifecycle } from '../lifecycle/lifecycle';
import { FileContents } from './file-contents.port';
import { FileRecords, unknownFile, type FileListQuery } from './file-records';
import { assertMayFit, readUpload } from './multipart-upload';
import type { StoredFile } from './stored-file';
import { wishesOf } from './upload-form';

/** Uploads at once. Each holds a file open and a few hundred kilobytes. */
const AT_ONCE = 64;
const RETRY_AFTER_MS = 1000;

type NewFile = Pick<StoredFile, 'id' | 'filename' | 'purpose' | 'bytes'>;

/** Files that clients upload, and may read, list and delete. */
@Injectable()
export class UploadsService {
  private underWay = 0;
  private inserting: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly contents: FileContents,
    private readonly records: FileRecords,
    private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * Resolves once the file and what is told of it are durable. Until then nothing of it can be found, and whatever goes wrong leaves
   * nothing behind.
   * @throws ServiceError as `readUpload`; STORAGE_FULL, STORAGE_UNAVAILABLE, INTAKE_FULL, NOT_READY, SHUTTING_DOWN
   */
  async receive(request: IncomingMessage, response: ServerResponse): Promise<StoredFile> {
    this.lifecycle.assertReady();
    if (this.underWay >= AT_ONCE) throw new ServiceError('INTAKE_FULL', { retryAfterMs: RETRY_AFTER_MS });
    this.underWay++;
    try {
      return await this.received(request, response);
    } finally {
      this.underWay--;
    }
  }

  get(id: string): Promise<StoredFile> {
    return this.records.get(id);
  }

  list(query: FileListQuery): Promise<readonly StoredFile[]> {
    return this.records.list(query);
  }

  /** @throws ServiceError FILE_NOT_FOUND */
  async content(
    id: string,
  ): Promise<{ readonly file: StoredFile; readonly bytes: number; readonly content: Readable }> {
    const file = await this.records.get(id);
    const found = await this.contents.stream(id);
    if (!found) throw unknownFile(id);
    return { file, ...found };
  }

  /** Resolves once it is gone, from the disk too. @throws ServiceError FILE_NOT_FOUND, FILE_IN_USE, STORAGE_UNAVAILABLE */
  async remove(id: string): Promise<void> {
    const removal = await this.records.removeFree(id);
    if (removal === 'none') throw unknownFile(id);
    if (removal !== 'removed') {
      const message = `The file is in use by ${removal.heldBy}, which has not ended: delete it after that, or cancel that first.`;
      throw new ServiceError('FILE_IN_USE', { message });
    }
    // What is left where this fails belongs to nobody: a later start removes it.
    await this.contents.remove(id);
  }

  /** One after the other, so that many at once do not pass the bound together. */
  private insert(file: NewFile, keptMs: number | undefined): Promise<StoredFile> {
    const inserted = this.inserting.then(async () => {
      await this.assertRoom();
      try {
        return await this.records.insert(file, keptMs);
      } catch (thrown) {
        // It may be there, though nobody knows whether for good: a file of which nothing is there must not be told of.
        await this.records.remove(file.id).catch(() => undefined);
        throw thrown;
      }
    });
    this.inserting = inserted.catch(() => undefined);
    return inserted;
  }

  /** @throws ServiceError STORAGE_FULL */
  private async assertRoom(): Promise<void> {
    const { filesMax } = this.config;
    if ((await this.records.count()) < filesMax) return;
    const message = `${filesMax} files are kept, which is as many as may be (ORCHD_FILES_MAX): delete some that are not needed.`;
    throw new ServiceError('STORAGE_FULL', { field: 'file', message, retriable: false });
  }

  private async received(request: IncomingMessage, response: ServerResponse): Promise<StoredFile> {
    const { fileMaxBytes } = this.config;
    assertMayFit(request, fileMaxBytes);
    await this.assertRoom();
    const id = `file-${uuidv7().replaceAll('-', '')}`;
    const draft = await this.contents.draft(id);
    try {
      if (awaitsLeave(request)) response.writeContinue();
      const { filename, fields } = await readUpload(request, draft, fileMaxBytes);
      const { purpose, keptMs } = wishesOf(fields);
      if (draft.bytes === 0) throw new ServiceError('INVALID_PARAMS', { field: 'file', message: 'file is empty' });
      await draft.keep();
      return await this.insert({ id, filename, purpose, bytes: draft.bytes }, keptMs);
    } catch (thrown) {
      await draft.abandon();
      await this.contents.remove(id).catch(() => undefined);
      throw thrown;
    }
  }
}
