import type { EngineCore } from '../../engine-core';
import { ModelInstance } from '../../model-instance';
import { tritonErrors } from './errors';

type State = 'READY' | 'LOADING' | 'UNAVAILABLE' | 'unloaded';

interface Entry {
  state: State;
  instance: ModelInstance | undefined;
}

/** The models of a repository: those that can be are loaded at the start, then by the repository's routes. */
export class TritonModels {
  private readonly entries: ReadonlyMap<string, Entry>;

  constructor(private readonly core: EngineCore) {
    const { routerModels, model, aliases } = core.settings;
    const names = routerModels.length > 0 ? routerModels : [model, ...aliases];
    const broken = new Set(core.controls.brokenModels);
    this.entries = new Map(
      names.map(name => {
        const loads = !broken.has(name);
        return [name, { state: loads ? 'READY' : 'UNAVAILABLE', instance: loads ? this.newInstance(name) : undefined }];
      }),
    );
  }

  get instances(): readonly ModelInstance[] {
    return [...this.entries.values()].flatMap(({ instance }) => instance ?? []);
  }

  /** An unloaded one stands there with its name only. */
  get index(): readonly object[] {
    return [...this.entries].map(([name, { state }]) => {
      if (state === 'unloaded') return { name };
      const reason = state === 'UNAVAILABLE' ? { reason: 'Internal: RuntimeError: weights not found' } : {};
      return { name, version: '1', state, ...reason };
    });
  }

  /** One flag for all: not while any of them loads or as long as one failed to. */
  get allReady(): boolean {
    return [...this.entries.values()].every(({ state }) => state === 'READY' || state === 'unloaded');
  }

  isReady(name: string): boolean {
    return this.entries.get(name)?.state === 'READY';
  }

  /** The loaded model. Throws the answer where there is none. */
  get(name: string, version: string): ModelInstance {
    const entry = this.entries.get(name);
    if (!entry || entry.state === 'unloaded') throw tritonErrors.unknownModel(name);
    if (!entry.instance) throw tritonErrors.noVersions(name);
    if (version !== '1') throw tritonErrors.unknownVersion(name, version);
    return entry.instance;
  }

  /** Resolves when it is done. Throws the answer where it fails. */
  async load(name: string): Promise<void> {
    const { controls, ledger, pacer, settings } = this.core;
    const entry = this.entries.get(name);
    if (!entry) throw tritonErrors.loadUnknown(name);
    ledger.load({ model: name, action: 'load' });
    const before = entry.instance;
    Object.assign(entry, { state: 'LOADING' });
    if (settings.loadMs > 0) await pacer.delay(settings.loadMs, new AbortController().signal);
    if (controls.brokenModels.includes(name)) {
      Object.assign(entry, { state: 'UNAVAILABLE', instance: undefined });
      throw tritonErrors.loadFailed(name);
    }
    Object.assign(entry, { state: 'READY', instance: before ?? this.newInstance(name) });
  }

  /** What runs on it runs to its end; unknown names are fine. */
  unload(name: string): void {
    const entry = this.entries.get(name);
    if (!entry || entry.state === 'unloaded') return;
    this.core.ledger.load({ model: name, action: 'unload' });
    Object.assign(entry, { state: 'unloaded', instance: undefined });
  }

  private newInstance(name: string): ModelInstance {
    return new ModelInstance(name, this.core.settings.slots, () => this.core.ledger.changed());
  }
}
