import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import type { JsonText } from '../http/bodies/json-body';
import { Lifecycle } from '../lifecycle/lifecycle';
import { Narrator } from '../observability/narrator';
import { RunningTime } from '../time/running-time';
import { ArtifactStore, type ArtifactInfo, type ArtifactQuery } from './artifact-store.port';
import { DocumentForms } from './document-forms';

const RETENTION_EVERY_MS = 60_000;
/** Transcripts of one step; other work gets its turn after each file of it. */
const RETENTION_STEP = 1000;

/** Documents that clients keep, and transcripts that the service keeps for them. */
@Injectable()
export class ArtifactsService {
  private isRemoving = false;

  constructor(
    private readonly config: Config,
    private readonly store: ArtifactStore,
    private readonly forms: DocumentForms,
    private readonly runningTime: RunningTime,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves to the id once the document is durable. @throws ServiceError as {@link DocumentForms.canonical} and {@link ArtifactStore.put} */
  async create(text: JsonText | undefined): Promise<string> {
    if (!text) throw new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body must be a JSON document' });
    const document = await this.forms.canonical(text);
    await this.store.put(document, 'document');
    return document.id;
  }

  /** Canonical JSON. @throws ServiceError ARTIFACT_NOT_FOUND, INTERNAL when it is damaged */
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

  /** Step by step until none is past its time; a round that takes longer than the interval is not joined by another. */
  @Interval(RETENTION_EVERY_MS)
  async removeOldTranscripts(): Promise<void> {
    if (this.isRemoving || !this.lifecycle.isReady) return;
    this.isRemoving = true;
    let removed = 0;
    try {
      for (let step = RETENTION_STEP; step === RETENTION_STEP && this.lifecycle.isReady; removed += step) {
        const storedBeforeMs = this.runningTime.nowMs() - this.config.transcriptRetentionMs;
        step = await this.store.expireTranscripts(storedBeforeMs, RETENTION_STEP);
      }
      if (removed > 0)
        this.narrator.tell(`${removed} old transcripts were removed.`, { event: 'transcripts_expired', removed });
    } catch (cause) {
      const human = 'Old transcripts could not be removed; the next round tries again.';
      this.narrator.warn(human, { event: 'retention_failed', removed }, cause);
    } finally {
      this.isRemoving = false;
    }
  }
}
