import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { Clock } from '../time/clock';
import { ArtifactStore, type ArtifactInfo, type ArtifactQuery } from './artifact-store.port';
import { canonicalDocument } from './canonical-json';

const RETENTION_EVERY_MS = 60_000;
const RETENTION_STEP = 1000;

/** Documents that clients keep, and transcripts that the service keeps for them. */
@Injectable()
export class ArtifactsService {
  constructor(
    private readonly config: Config,
    private readonly store: ArtifactStore,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves to the id once the document is durable. */
  async create(value: unknown): Promise<string> {
    const document = canonicalDocument(value);
    await this.store.put(document, 'document');
    return document.id;
  }

  /** Canonical JSON. @throws ServiceError ARTIFACT_NOT_FOUND */
  async get(id: string): Promise<string> {
    const json = await this.store.get(id);
    if (json === undefined) throw new ServiceError('ARTIFACT_NOT_FOUND');
    return json;
  }

  list(query: ArtifactQuery): Promise<readonly ArtifactInfo[]> {
    return this.store.list(query);
  }

  /** @throws ServiceError ARTIFACT_NOT_FOUND */
  async delete(id: string): Promise<void> {
    if (!(await this.store.delete(id))) throw new ServiceError('ARTIFACT_NOT_FOUND');
  }

  @Interval(RETENTION_EVERY_MS)
  async removeOldTranscripts(): Promise<void> {
    try {
      const removed = await this.store.expireTranscripts(this.clock.wallMs() - this.config.transcriptRetentionMs, RETENTION_STEP);
      if (removed > 0) this.narrator.tell(`${removed} old transcripts were removed.`, { event: 'transcripts_expired', removed });
    } catch (cause) {
      this.narrator.warn('Old transcripts could not be removed; the next round tries again.', { event: 'retention_failed' }, cause);
    }
  }
}
