import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';
import { Clock } from '../time/clock';
import { barredBy, type ModelBar } from './model-bar';
import { ModelCatalog, type ModelEntry, type ModelState } from './model-catalog.port';
import { removeModelFile } from './model-file';

/** What a client says of a model; the rest of an entry is the service's. */
export type ModelDescription = Omit<
  ModelEntry,
  'state' | 'createdAtMs' | 'lastVerifiedMs' | 'retireDeadlineAtMs' | 'verification'
>;

export type Admissible = { readonly ok: true } | { readonly ok: false; readonly code: ModelBar };

/** What became of the file of a model that was to be deleted. */
type Removal = { readonly deleted: 1 } | { readonly deleted: 0; readonly reason: string };

const PAGE = 1000;

/** The models that the service knows of: described, retired, deleted. */
@Injectable()
export class CatalogService {
  constructor(
    private readonly config: Config,
    private readonly catalog: ModelCatalog,
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

  /**
   * Deletes the entry, and the file it names under the model directory unless another entry names it too. A file that cannot be
   * deleted (a read-only model directory) stays, and the log says so.
   * @throws ServiceError MODEL_NOT_FOUND
   */
  async delete(id: string): Promise<void> {
    const entry = await this.catalog.delete(id);
    if (!entry) throw new ServiceError('MODEL_NOT_FOUND');
    const { deleted, ...rest } = await this.removeFile(entry);
    const human = `Model ${id} left the catalogue${deleted === 1 ? ' and its file the disk' : ''}.`;
    this.narrator.tell(human, { event: 'model_deleted', model_id: id, files_deleted: deleted, ...rest });
  }

  /** Whether tasks and reloads may use a model. What the catalogue does not know it does not forbid. */
  async admissible(modelRef: string): Promise<Admissible> {
    const entry = await this.catalog.find(modelRef);
    const code = entry && barredBy(entry, this.clock.wallMs());
    return code ? { ok: false, code } : { ok: true };
  }

  /** Deletes the file of a model under the model directory and nowhere else; the entry stays. */
  async removeCachedFiles(modelId: string): Promise<{ readonly deleted: number; readonly reason?: string }> {
    const entry = await this.catalog.find(modelId);
    return entry ? this.removeFile(entry) : { deleted: 0, reason: 'the model is not in the catalogue' };
  }

  private async removeFile({ id, localPath }: ModelEntry): Promise<Removal> {
    const nothing: Removal = { deleted: 0, reason: 'it has no file of its own under the model directory' };
    if (localPath === undefined || (await this.isNamedByAnother(id, localPath))) return nothing;
    try {
      return (await removeModelFile(this.config.modelsDir, localPath)) ? { deleted: 1 } : nothing;
    } catch (cause) {
      this.narrator.warn(
        `The file of model ${id} cannot be deleted.`,
        { event: 'model_file_kept', model_id: id },
        cause,
      );
      return { deleted: 0, reason: 'its file cannot be deleted' };
    }
  }

  private async isNamedByAnother(id: string, localPath: string): Promise<boolean> {
    for (let after: string | undefined; ;) {
      const page = await this.catalog.list(after, PAGE);
      if (page.some(other => other.id !== id && other.localPath === localPath)) return true;
      if (page.length < PAGE) return false;
      after = page.at(-1)?.id;
    }
  }
}

function descriptionOf(entry: ModelEntry): ModelDescription {
  const {
    state: _s,
    createdAtMs: _c,
    lastVerifiedMs: _l,
    retireDeadlineAtMs: _r,
    verification: _v,
    ...description
  } = entry;
  return description;
}
