import { Injectable } from '@nestjs/common';
import { ServiceError } from '../errors/service-error';
import { MetricsService } from '../observability/metrics.service';
import { Narrator } from '../observability/narrator';
import { Alarms, type Alarm } from '../time/alarms';
import { Clock } from '../time/clock';
import { ModelCatalog, type ModelEntry } from './model-catalog.port';
import { ModelVerifier } from './model-verifier';

/** How long a request waits for the result; a large file is hashed on after the answer. */
export const PATIENCE_MS = 2000;

/** Checks models against their digests, each at most once at a time, and keeps what came out. */
@Injectable()
export class VerificationService {
  private readonly checks = new Map<string, Promise<void>>();

  constructor(
    private readonly catalog: ModelCatalog,
    private readonly verifier: ModelVerifier,
    private readonly metrics: MetricsService,
    private readonly alarms: Alarms,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to the entry with the result, or after {@link PATIENCE_MS} to the entry as it was while the check goes on. Whoever
   * asks while one runs gets its result.
   * @throws ServiceError MODEL_NOT_FOUND; STORAGE_FULL, STORAGE_UNAVAILABLE when the result cannot be kept
   */
  async verify(id: string): Promise<ModelEntry> {
    const entry = await this.get(id);
    let alarm: Alarm | undefined;
    const patience = new Promise<void>(resolve => (alarm = this.alarms.after(PATIENCE_MS, resolve)));
    await Promise.race([this.checks.get(id) ?? this.begin(entry), patience]).finally(() => alarm?.cancel());
    return this.get(id);
  }

  private async get(id: string): Promise<ModelEntry> {
    const entry = await this.catalog.find(id);
    if (!entry) throw new ServiceError('MODEL_NOT_FOUND');
    return entry;
  }

  private begin(entry: ModelEntry): Promise<void> {
    const check = this.check(entry).finally(() => this.checks.delete(entry.id));
    this.checks.set(entry.id, check);
    // Said here, for whoever asked may have been answered by then.
    check.catch((cause: unknown) => {
      const human = `The verification of model ${entry.id} came to nothing.`;
      this.narrator.warn(human, { event: 'verification_lost', model_id: entry.id }, cause);
    });
    return check;
  }

  private async check(entry: ModelEntry): Promise<void> {
    const verification = await this.verifier.verify(entry);
    const lastVerifiedMs = this.clock.wallMs();
    await this.catalog.update(entry.id, current =>
      // Deleted and described anew meanwhile: then this was about another file.
      current.createdAtMs === entry.createdAtMs ? { ...current, verification, lastVerifiedMs } : current,
    );
    this.metrics.catalogVerification(verification.result, verification.reason, '');
    this.narrator.tell(`Verification of model ${entry.id}: ${verification.result} (${verification.reason}).`, {
      event: 'model_verified',
      model_id: entry.id,
      ...verification,
    });
  }
}
