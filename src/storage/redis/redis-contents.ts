import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { filesFull, otherEnd } from '../../uploads/content-faults';
import { FileContents, type ContentDraft } from '../../uploads/file-contents.port';
import { LeaseLost, type RecordLease } from '../../records/record-lease';
import { Store } from './connection/store';
import { assertHeld, leaseArguments } from './lease-arguments';
import {
  addToDraftScript,
  appendContentScript,
  beginContentScript,
  contentEndScript,
  dropContentScript,
  keepContentScript,
  keptContentsScript,
  readContentScript,
  truncateContentScript,
} from './scripts/content-scripts';

/** Sent or asked for at once: the server, and the connection, do nothing else meanwhile. */
const STEP_BYTES = 256 * 1024;
/** So young a file may be one whose record another node is just writing. */
const YOUNG_MS = 10 * 60_000;

/** What files hold, in the store's memory, within `ORCHD_FILES_MAX_BYTES`: pieces, of which a node has one or two in hand at a time. */
@Injectable()
export class RedisContents extends FileContents {
  constructor(
    private readonly config: Config,
    private readonly store: Store,
  ) {
    super();
  }

  async ids(): Promise<readonly string[]> {
    // A start asks before its store is open.
    if (!this.store.isUp) await firstValueFrom(this.store.up$, { defaultValue: undefined });
    return (await this.store.run(keptContentsScript, YOUNG_MS)) as readonly string[];
  }

  async draft(id: string): Promise<ContentDraft> {
    const left = (await this.store.run(beginContentScript, id)) as readonly string[];
    // What cannot be taken away now is found by the next one.
    for (const other of left) void this.drop(other, 'left').catch(() => undefined);
    return new RedisDraft(id, this.config, this.store, () => this.remove(id));
  }

  async size(id: string): Promise<number | undefined> {
    const { bytes } = await this.end(id);
    return bytes < 0 ? undefined : bytes;
  }

  async read(id: string, fromByte: number, maxBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = 0; at < maxBytes;) {
      const piece = await this.store.runForBytes(
        readContentScript,
        id,
        fromByte + at,
        Math.min(STEP_BYTES, maxBytes - at),
      );
      if (piece.length === 0) break;
      pieces.push(piece);
      at += piece.length;
    }
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }

  async stream(id: string): Promise<{ readonly bytes: number; readonly content: Readable } | undefined> {
    const bytes = await this.size(id);
    if (bytes === undefined) return undefined;
    return { bytes, content: Readable.from(this.pieces(id, bytes), { objectMode: false, highWaterMark: STEP_BYTES }) };
  }

  async append(id: string, atByte: number, piece: Buffer, lease?: RecordLease): Promise<void> {
    for (let at = 0; at < piece.length; at += STEP_BYTES) {
      const part = piece.subarray(at, at + STEP_BYTES);
      const args = [id, atByte + at, part, ...leaseArguments(lease)];
      const answer = await this.store.runDurably(appendContentScript, ...args);
      assertHeld(answer, lease);
      if (answer === 1) continue;
      // The store has failed over, or was started again, without what it had acknowledged: whoever goes on has to read what is left.
      if (lease && ((await this.size(id)) ?? 0) < atByte + at) throw new LeaseLost(lease);
      throw otherEnd(id, atByte + at);
    }
  }

  /** Each step names the cut that it is to be: one that a broken connection delivers late comes after it, and does nothing. */
  async truncate(id: string, bytes: number, lease?: RecordLease): Promise<void> {
    for (;;) {
      const { bytes: found, cuts } = await this.end(id);
      if (found <= bytes) return;
      assertHeld(await this.store.runDurably(truncateContentScript, id, bytes, cuts, ...leaseArguments(lease)), lease);
    }
  }

  remove(id: string): Promise<void> {
    return this.drop(id, 'whole');
  }

  /** `bytes` is less than 0 where there is none. */
  private async end(id: string): Promise<{ readonly bytes: number; readonly cuts: number }> {
    const [bytes, cuts] = (await this.store.run(contentEndScript, id)) as readonly number[];
    return { bytes: Number(bytes), cuts: Number(cuts) };
  }

  /** @param which `left`: only if it was not kept in the last moment */
  private async drop(id: string, which: 'whole' | 'left'): Promise<void> {
    while (Number(await this.store.runDurably(dropContentScript, id, which)) > 0);
  }

  /** @throws ServiceError where it goes meanwhile: whoever reads was told of more */
  private async *pieces(id: string, bytes: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes;) {
      const piece = await this.read(id, at, Math.min(STEP_BYTES, bytes - at));
      if (piece.length === 0) throw new ServiceError('FILE_NOT_FOUND');
      at += piece.length;
      yield piece;
    }
  }
}

/** One that is being received: nobody sees it before it is kept. */
class RedisDraft implements ContentDraft {
  private length = 0;
  private isOver = false;

  constructor(
    private readonly id: string,
    private readonly config: Config,
    private readonly store: Store,
    private readonly drop: () => Promise<void>,
  ) {}

  get bytes(): number {
    return this.length;
  }

  async append(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; at += STEP_BYTES) {
      const part = piece.subarray(at, at + STEP_BYTES);
      const { filesMaxBytes } = this.config;
      const answer = Number(await this.store.run(addToDraftScript, this.id, this.length, part, filesMaxBytes));
      if (answer < 0) throw filesFull(filesMaxBytes);
      this.assertThere(answer);
      this.length += part.length;
    }
  }

  async keep(): Promise<void> {
    try {
      this.assertThere(Number(await this.store.runDurably(keepContentScript, this.id, this.length)));
      this.isOver = true;
    } catch (thrown) {
      await this.abandon();
      throw thrown;
    }
  }

  /** What cannot be dropped now is, when some minutes have passed, by whichever node takes a file then. */
  async abandon(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await this.drop().catch(() => undefined);
  }

  private assertThere(answer: number): void {
    if (answer !== 1) throw new ServiceError('STORAGE_UNAVAILABLE', {}, new Error(`the draft of ${this.id} is gone`));
  }
}
