import type { EngineCore } from '../../engine-core';
import { ModelInstance } from '../../model-instance';
import { wireErrors } from './errors';

export interface RouterModel {
  readonly name: string;
  readonly state: 'unloaded' | 'loading' | 'loaded';
  /** Of the model's own server, as the list shows it; 0 while there is none. */
  readonly port: number;
  /** Its process died when it was loaded last. */
  readonly failed: boolean;
}

interface Entry {
  readonly name: string;
  state: RouterModel['state'];
  port: number;
  failed: boolean;
  instance?: ModelInstance;
  /** Resolves once loaded; rejects when it is unloaded instead. */
  loading?: Promise<ModelInstance>;
  stopLoading?: AbortController;
}

/** The models behind one server in router mode. A model takes the engine's `loadMs` to load. */
export class ModelRouter {
  private readonly entries: ReadonlyMap<string, Entry>;

  constructor(private readonly core: EngineCore) {
    this.entries = new Map(
      core.settings.routerModels.map(name => [name, { name, state: 'unloaded', port: 0, failed: false }]),
    );
  }

  get models(): readonly RouterModel[] {
    return [...this.entries.values()];
  }

  get instances(): readonly ModelInstance[] {
    return [...this.entries.values()].flatMap(({ instance }) => instance ?? []);
  }

  /** Begins to load a model. Throws the refusal of an unknown one, or of one that loads or is loaded. */
  load(name: string): void {
    const entry = this.entries.get(name);
    if (!entry) throw wireErrors.notFound();
    if (entry.state !== 'unloaded') throw wireErrors.invalid('model is already running');
    void this.start(entry).catch(() => undefined);
  }

  /** Takes a model away at once, with all that runs on it. */
  unload(name: string): void {
    const entry = this.entries.get(name);
    if (!entry) throw wireErrors.notFound();
    if (entry.state === 'unloaded') throw wireErrors.invalid('model is not running');
    this.core.ledger.load({ model: name, action: 'unload' });
    entry.stopLoading?.abort(new Error('the model was unloaded'));
    entry.instance?.close();
    Object.assign(entry, {
      state: 'unloaded',
      port: 0,
      instance: undefined,
      loading: undefined,
      stopLoading: undefined,
    });
  }

  /** The model that a request names; it is loaded first where it is not, unless `autoload` is off. */
  async resolve(name: unknown, autoload: boolean): Promise<ModelInstance> {
    if (typeof name !== 'string' || name === '') throw wireErrors.invalid('model name is missing from the request');
    const entry = this.entries.get(name);
    if (!entry) throw wireErrors.invalid(`model '${name}' not found`);
    if (entry.state === 'unloaded' && !autoload) throw wireErrors.invalid('model is not loaded');
    try {
      return await (entry.state === 'unloaded' ? this.start(entry) : (entry.loading ?? this.start(entry)));
    } catch {
      throw wireErrors.internal(`model name=${name} failed to load`);
    }
  }

  private start(entry: Entry): Promise<ModelInstance> {
    const { controls, faults, ledger, pacer, settings } = this.core;
    ledger.load({ model: entry.name, action: 'load' });
    const stop = new AbortController();
    const load = async () => {
      if (settings.loadMs > 0) await pacer.delay(settings.loadMs, stop.signal);
      await faults.switchedOff('stall-load', stop.signal);
      if (controls.brokenModels.includes(entry.name)) {
        Object.assign(entry, { state: 'unloaded', failed: true, loading: undefined, stopLoading: undefined });
        throw new Error('the process of the model died');
      }
      const instance = new ModelInstance(entry.name, settings.slots, () => ledger.changed());
      entry.instance = instance;
      entry.state = 'loaded';
      return instance;
    };
    entry.state = 'loading';
    entry.failed = false;
    entry.port = 50_000 + this.models.findIndex(({ name }) => name === entry.name);
    entry.stopLoading = stop;
    entry.loading = load();
    return entry.loading;
  }
}
