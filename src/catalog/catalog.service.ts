import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { MetricsService } from '../observability/metrics.service';
import { Narrator } from '../observability/narrator';
import { Clock } from '../time/clock';
import { ModelCatalog, type ModelEntry, type ModelState } from './model-catalog.port';
import { removeModelFile } from './model-file';
import { ModelVerifier } from './verification';

/** What a client says of a model; the rest of an entry is the service's. */
export type ModelDescription = Omit<ModelEntry, 'state' | 'createdAtMs' | 'lastVerifiedMs' | 'retireDeadlineAtMs' | 'verification'>;

export type Admissible = { readonly ok: true } | { readonly ok: false; readonly code: 'MODEL_RETIRED' | 'MODEL_UNVERIFIED' };

/** How long a verification request waits for its result; a large file is hashed on after that. */
const VERIFY_WAIT_MS = 2000;

/** The models that the service knows of: described, verified, retired. */
@Injectable()
export class CatalogService {
  private readonly verifications = new Map<string, Promise<void>>();

  constructor(
    private readonly config: Config,
    private readonly catalog: ModelCatalog,
    private readonly verifier: ModelVerifier,
    private readonly metrics: MetricsService,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** The same description again changes nothing. @throws ServiceError MODEL_CONFLICT for another one under a taken id */
  async create(description: ModelDescription): Promise<ModelEntry> {
    const entry: ModelEntry = { ...description, state: 'Active', createdAtMs: this.clock.wallMs() };
    if (await this.catalog.create(entry)) {
      this.narrator.tell(`Model ${entry.id} is in the catalogue.`, { event: 'model_created', model_id: entry.id });
      return entry;
    }
    const known = await this.get(entry.id);
    if (isDeepStrictEqual(descriptionOf(known), description)) return known;
    throw new ServiceError('MODEL_CONFLICT', { field: 'id' });
  }

  /** @throws ServiceError MODEL_NOT_FOUND */
  async get(id: string): Promise<ModelEntry> {
    const entry = await this.catalog.find(id);
    if (!entry) throw new ServiceError('MODEL_NOT_FOUND');
    return entry;
  }

  list(afterId: string | undefined, limit: number): Promise<readonly ModelEntry[]> {
    return this.catalog.list(afterId, limit);
  }

  /** Resolves to the entry as it is when the check is through, or after a while when it takes longer. @throws ServiceError MODEL_NOT_FOUND */
  async verify(id: string): Promise<ModelEntry> {
    const entry = await this.get(id);
    let check = this.verifications.get(id);
    if (!check) {
      check = this.check(entry).finally(() => this.verifications.delete(id));
      this.verifications.set(id, check);
    }
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>(resolve => (timer = setTimeout(resolve, VERIFY_WAIT_MS)));
    await Promise.race([check, patience]).finally(() => clearTimeout(timer));
    return this.get(id);
  }

  /** @param deadlineMs a retirement takes effect after this long. @throws ServiceError MODEL_NOT_FOUND */
  async setState(id: string, state: ModelState, deadlineMs: number): Promise<ModelEntry> {
    const retireDeadlineAtMs = state === 'Retired' && deadlineMs > 0 ? this.clock.wallMs() + deadlineMs : undefined;
    const changed = await this.catalog.update(id, ({ retireDeadlineAtMs: _before, ...entry }) => ({
      ...entry,
      state,
      ...(retireDeadlineAtMs !== undefined && { retireDeadlineAtMs }),
    }));
    if (!changed) throw new ServiceError('MODEL_NOT_FOUND');
    this.narrator.tell(`Model ${id} is ${state}.`, { event: 'model_state', model_id: id, state });
    return changed;
  }

  /** @throws ServiceError MODEL_NOT_FOUND */
  async delete(id: string): Promise<void> {
    const removed = await this.catalog.delete(id);
    if (!removed) throw new ServiceError('MODEL_NOT_FOUND');
    const fileRemoved = removed.localPath !== undefined && (await removeModelFile(this.config.modelsDir, removed.localPath));
    this.narrator.tell(`Model ${id} left the catalogue.`, { event: 'model_deleted', model_id: id, file_removed: fileRemoved });
  }

  /** Whether tasks and reloads may use a model. What the catalogue does not know it does not forbid. */
  async admissible(modelRef: string): Promise<Admissible> {
    const entry = await this.catalog.find(modelRef);
    if (!entry) return { ok: true };
    if (entry.state === 'Retired' && (entry.retireDeadlineAtMs ?? 0) <= this.clock.wallMs()) return { ok: false, code: 'MODEL_RETIRED' };
    return entry.verification?.result === 'failed' ? { ok: false, code: 'MODEL_UNVERIFIED' } : { ok: true };
  }

  /** Deletes the file of a model under the model directory; the entry stays. */
  async removeCachedFiles(modelId: string): Promise<{ readonly deleted: number; readonly reason?: string }> {
    const entry = await this.catalog.find(modelId);
    if (!entry) return { deleted: 0, reason: 'the model is not in the catalogue' };
    const removed = entry.localPath !== undefined && (await removeModelFile(this.config.modelsDir, entry.localPath));
    return removed ? { deleted: 1 } : { deleted: 0, reason: 'it has no file under the model directory' };
  }

  private async check(entry: ModelEntry): Promise<void> {
    const verification = await this.verifier.verify(entry);
    const lastVerifiedMs = this.clock.wallMs();
    await this.catalog.update(entry.id, current => ({ ...current, verification, lastVerifiedMs }));
    this.metrics.catalogVerification(verification.result, verification.reason, '');
    this.narrator.tell(`Verification of model ${entry.id}: ${verification.result} (${verification.reason}).`, {
      event: 'model_verified',
      model_id: entry.id,
      ...verification,
    });
  }
}

function descriptionOf(entry: ModelEntry): ModelDescription {
  const { state: _s, createdAtMs: _c, lastVerifiedMs: _l, retireDeadlineAtMs: _r, verification: _v, ...description } = entry;
  return description;
}
