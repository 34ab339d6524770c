import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
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
import { ArtifactIndex } from './artifact-index';
import { isMissing, removeDurably, storageError, sweepTemporaries, writeAtomically } from './atomic-file';

const idPattern = /^[0-9a-f]{64}$/;
/**
 * `<id>,<kind>,<created>,<bytes>,<task>.json`: what is known of an artifact stands in its file's name, so that a start reads
 * folders and no contents, and document and index cannot come apart. A task id has no comma; the longest name is 240 bytes.
 */
const namePattern = /^([0-9a-f]{64}),(document|transcript),(\d{1,15}),(\d{1,10}),([A-Za-z0-9._:-]{0,128})\.json$/;
/** Old transcripts removed in one go. */
const REMOVAL_STEP = 64;

/** Artifacts as files, 256 folders by the first two digits of the id. */
@Injectable()
export class FileArtifactStore extends ArtifactStore implements OnModuleInit {
  private readonly root: string;
  private readonly index = new ArtifactIndex();
  private readonly names = new Map<string, string>();
  private readonly puts = new Map<string, Promise<void>>();
  /** Bytes of puts under way: they count against the bound before they are in the index. */
  private pendingBytes = 0;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {
    super();
    this.root = join(config.dataDir, 'artifacts');
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    for (const shard of await readdir(this.root)) {
      const folder = join(this.root, shard);
      await sweepTemporaries(folder);
      for (const name of await readdir(folder).catch(() => [])) this.take(name);
    }
  }

  async put(document: CanonicalDocument, kind: ArtifactInfo['kind'], taskId?: string): Promise<void> {
    const known = this.index.find(document.id);
    // A document that was uploaded stays one, whatever stream happens to have the same content.
    if (known && (known.kind === 'document' || kind === 'transcript')) return;
    const underWay = this.puts.get(document.id);
    if (underWay) return underWay;
    const put = this.store(document, kind, taskId).finally(() => this.puts.delete(document.id));
    this.puts.set(document.id, put);
    return put;
  }

  async get(id: string): Promise<string | undefined> {
    const name = this.names.get(id);
    if (name === undefined) return undefined;
    try {
      const json = await readFile(this.pathOf(id, name), 'utf8');
      if (createHash('sha256').update(json).digest('hex') === id) return json;
    } catch (cause) {
      if (isMissing(cause)) return this.forget(id);
      throw storageError(cause);
    }
    await this.setAside(id, name);
    throw new ServiceError('INTERNAL', { message: 'The stored artifact is damaged and was set aside.' });
  }

  async list(query: ArtifactQuery): Promise<readonly ArtifactInfo[]> {
    return this.index.list(query);
  }

  async delete(id: string): Promise<boolean> {
    const name = this.names.get(id);
    if (name === undefined) return false;
    await removeDurably(this.pathOf(id, name));
    this.forget(id);
    return true;
  }

  async expireTranscripts(createdBeforeMs: number, limit: number): Promise<number> {
    let removed = 0;
    for (const { id, createdAtMs } of this.index.oldestTranscripts(limit)) {
      if (createdAtMs >= createdBeforeMs) break;
      if (await this.delete(id)) removed++;
    }
    return removed;
  }

  private async store({ id, json }: CanonicalDocument, kind: ArtifactInfo['kind'], taskId: string | undefined): Promise<void> {
    const bytes = Buffer.byteLength(json);
    this.pendingBytes += bytes;
    try {
      await this.makeRoom();
      const info: ArtifactInfo = { id, kind, createdAtMs: this.clock.wallMs(), bytes, ...(taskId !== undefined && { taskId }) };
      const name = nameOf(info);
      const before = this.names.get(id);
      await writeAtomically(this.pathOf(id, name), json);
      this.names.set(id, name);
      this.index.add(info);
      // A transcript that was uploaded too: the file's name says its kind, so the old one goes.
      if (before !== undefined && before !== name) await removeDurably(this.pathOf(id, before));
    } finally {
      this.pendingBytes -= bytes;
    }
  }

  private async makeRoom(): Promise<void> {
    const tooMuch = (): boolean => this.index.bytes + this.pendingBytes > this.config.artifactsMaxBytes;
    while (tooMuch()) {
      const oldest = this.index.oldestTranscripts(REMOVAL_STEP);
      if (oldest.length === 0) break;
      for (const { id } of oldest) if (tooMuch()) await this.delete(id);
    }
    if (!tooMuch()) return;
    throw new ServiceError('STORAGE_FULL', { message: 'The artifact store is full; delete documents that are not needed.' });
  }

  private take(name: string): void {
    const [, id, kind, created, bytes, task] = namePattern.exec(name) ?? [];
    if (id === undefined || (kind !== 'document' && kind !== 'transcript')) return;
    this.names.set(id, name);
    this.index.add({ id, kind, createdAtMs: Number(created), bytes: Number(bytes), ...(task && { taskId: task }) });
  }

  private async setAside(id: string, name: string): Promise<void> {
    const path = this.pathOf(id, name);
    await rename(path, `${path}.damaged`).catch(() => undefined);
    this.forget(id);
    this.narrator.fail('A stored artifact does not match its id; it was set aside.', { event: 'artifact_damaged', artifact_id: id });
  }

  private forget(id: string): undefined {
    this.names.delete(id);
    this.index.delete(id);
  }

  /** Only ids that match the pattern get here, so the path stays under the root. */
  private pathOf(id: string, name: string): string {
    if (!idPattern.test(id)) throw new ServiceError('INTERNAL', {}, new Error('not an artifact id'));
    return join(this.root, id.slice(0, 2), name);
  }
}

function nameOf({ id, kind, createdAtMs, bytes, taskId = '' }: ArtifactInfo): string {
  return `${id},${kind},${createdAtMs},${bytes},${taskId}.json`;
}
