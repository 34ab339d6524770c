import type { EngineModel } from '../../engines/engine-adapter.port';

interface Failure {
  readonly reason: string;
  /** Monotonic. */
  readonly untilMs: number;
}

/**
 * Models that an engine could not load. Each is left alone for a while and then tried again, whatever the engine says of it: a
 * router calls a model failed until somebody tries it anew.
 */
export class ModelFailures {
  /** By id. */
  private readonly failures = new Map<string, Failure>();
  private saidBefore: ReadonlySet<string> = new Set();

  constructor(private readonly retryMs: number) {}

  note(id: string, reason: string, nowMs: number): void {
    this.failures.set(id, { reason, untilMs: nowMs + this.retryMs });
  }

  /** Takes in what the engine lists. One that it calls failed is noted when it begins to; one that is loaded is forgiven. */
  observe(models: readonly EngineModel[], nowMs: number): void {
    const states = new Map(models.map(model => [model.id, model]));
    for (const [id, { untilMs }] of this.failures) {
      const state = states.get(id)?.state;
      if (untilMs <= nowMs || state === undefined || state === 'loaded') this.failures.delete(id);
    }
    const failed = models.filter(({ state }) => state === 'failed');
    for (const { id, reason = 'The engine could not load the model.' } of failed) {
      if (!this.saidBefore.has(id) && !this.failures.has(id)) this.note(id, reason, nowMs);
    }
    this.saidBefore = new Set(failed.map(({ id }) => id));
  }

  /** The models as they are to be used now. */
  appliedTo(models: readonly EngineModel[]): readonly EngineModel[] {
    if (this.failures.size === 0 && this.saidBefore.size === 0) return models;
    return models.map(({ reason: _said, ...model }) => {
      const failure = this.failures.get(model.id);
      if (failure) return { ...model, state: 'failed', reason: failure.reason };
      return model.state === 'failed' ? { ...model, state: 'unloaded' } : model;
    });
  }

  /** Equal for two moments in which the same models have failed. */
  fingerprint(): string {
    return this.failures.size === 0 ? '' : JSON.stringify([...this.failures].map(([id, { reason }]) => [id, reason]));
  }
}
