import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  ArtifactStore,
  type ArtifactInfo,
  type ArtifactQuery,
  type CanonicalDocument,
} from '../../artifacts/artifact-store.port';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { Store, type Reply } from './connection/store';
import {
  deleteArtifactScript,
  expireArtifactsScript,
  listArtifactsScript,
  putArtifactScript,
} from './scripts/artifact-scripts';

/** Artifacts in the store's memory, within `ORCHD_ARTIFACTS_MAX_BYTES` of text. */
@Injectable()
export class RedisArtifacts extends ArtifactStore {
  override readonly isShared = true;

  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
  ) {
    super();
  }

  async put({ id, json }: CanonicalDocument, kind: ArtifactInfo['kind'], taskId = ''): Promise<void> {
    const storedAtMs = Math.floor(this.runningTime.nowMs());
    const bytes = Buffer.byteLength(json);
    const most = this.config.artifactsMaxBytes;
    const args = [
      id,
      kind === 'document' ? 'd' : 't',
      taskId,
      storedAtMs,
      this.clock.wallMs(),
      bytes,
      json,
      most,
    ] as const;
    if ((await this.store.runDurably(putArtifactScript, ...args)) !== 1) throw new ServiceError('STORAGE_FULL');
  }

  async get(id: string): Promise<string | undefined> {
    const json = await this.store.call('HGET', `${this.store.prefix}:a:${id}`, 'json');
    if (typeof json !== 'string') return undefined;
    if (createHash('sha256').update(json).digest('hex') === id) return json;
    throw new ServiceError('INTERNAL', {}, new Error(`artifact ${id} is not what its id says`));
  }

  async list({ kind, taskId, after, limit }: ArtifactQuery): Promise<readonly ArtifactInfo[]> {
    const short = kind === undefined ? '' : kind === 'document' ? 'd' : 't';
    const through = taskId !== undefined ? `at:${taskId}` : short === '' ? 'al' : `al:${short}`;
    const args = [through, after?.storedAtMs ?? '', after?.id ?? '', limit, taskId ?? '', short] as const;
    return ((await this.store.run(listArtifactsScript, ...args)) as readonly Reply[]).map(infoOf);
  }

  async delete(id: string): Promise<boolean> {
    return (await this.store.runDurably(deleteArtifactScript, id)) === 1;
  }

  async expireTranscripts(storedBeforeMs: number, limit: number): Promise<number> {
    return Number(await this.store.run(expireArtifactsScript, storedBeforeMs, limit));
  }
}

function infoOf(entry: Reply): ArtifactInfo {
  const [id = '', kind, taskId = '', at, stored, bytes] = (entry as readonly string[]).map(String);
  return {
    id,
    kind: kind === 'd' ? 'document' : 'transcript',
    ...(taskId !== '' && { taskId }),
    createdAtMs: Number(at),
    storedAtMs: Number(stored),
    bytes: Number(bytes),
  };
}
