import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { ModelInstance } from '../../model-instance';
import type { OllamaErrors } from './errors';

/** A model that is pulled. */
export interface PulledModel {
  readonly name: string;
  readonly instance: ModelInstance | undefined;
  /** Of `Date.now()`; Infinity: it stays. */
  readonly expiresAtMs: number;
}

interface Entry {
  readonly name: string;
  instance: ModelInstance | undefined;
  loading: Promise<void> | undefined;
  keepAliveMs: number;
  expiresAtMs: number;
  timer: NodeJS.Timeout | undefined;
  /** The context that it was loaded with; another one loads it anew. */
  ctx: number | undefined;
}

const DEFAULT_KEEP_ALIVE_MS = 5 * 60_000;

/** The models of an Ollama: pulled, loaded on demand, unloaded when their time is over. */
export class OllamaModels {
  private readonly entries: ReadonlyMap<string, Entry>;
  private loadWaiters = 0;

  constructor(private readonly core: EngineCore) {
    const { routerModels, model, aliases } = core.settings;
    const names = routerModels.length > 0 ? routerModels : [model, ...aliases];
    this.entries = new Map(
      names.map(name => [
        tagged(name),
        {
          name: tagged(name),
          instance: undefined,
          loading: undefined,
          keepAliveMs: DEFAULT_KEEP_ALIVE_MS,
          expiresAtMs: 0,
          timer: undefined,
          ctx: undefined,
        },
      ]),
    );
  }

  get pulled(): readonly PulledModel[] {
    return [...this.entries.values()];
  }

  get instances(): readonly ModelInstance[] {
    return [...this.entries.values()].flatMap(({ instance }) => instance ?? []);
  }

  has(name: unknown): boolean {
    return typeof name === 'string' && this.entries.has(tagged(name));
  }

  /** Serves a request on its model, which is loaded first where it has to be. Who goes meanwhile ends the load that was begun for him. */
  async during(
    exchange: Exchange,
    name: string,
    { keepAliveMs, ctx }: { readonly keepAliveMs: number | undefined; readonly ctx: number | undefined },
    errors: OllamaErrors,
    serve: (instance: ModelInstance) => Promise<void> | void,
  ): Promise<void> {
    const entry = this.entries.get(tagged(name));
    if (!entry) throw errors.notFound(`model '${name}' not found`);
    if (keepAliveMs !== undefined) entry.keepAliveMs = keepAliveMs;
    if (entry.instance && ctx !== undefined && ctx !== entry.ctx) this.unload(name);
    const instance = entry.instance ?? (await this.loaded(entry, exchange, ctx, errors));
    clearTimeout(entry.timer);
    try {
      await serve(instance);
    } finally {
      if (entry.instance === instance && instance.requests === 0) this.rest(entry);
    }
  }

  unload(name: string): void {
    const entry = this.entries.get(tagged(name));
    if (!entry?.instance) return;
    clearTimeout(entry.timer);
    this.core.ledger.load({ model: entry.name, action: 'unload' });
    entry.instance = undefined;
    this.core.ledger.changed();
  }

  private async loaded(
    entry: Entry,
    exchange: Exchange,
    ctx: number | undefined,
    errors: OllamaErrors,
  ): Promise<ModelInstance> {
    const { controls, ledger, settings } = this.core;
    const { maxRequests } = settings;
    if (maxRequests > 0 && this.loadWaiters > maxRequests) throw errors.busy();
    this.loadWaiters++;
    try {
      while (!entry.instance) {
        exchange.signal.throwIfAborted();
        // Whoever waits for somebody else's load begins it again where that one went.
        if (entry.loading) await entry.loading.catch(() => undefined);
        else await this.load(entry, exchange.signal, ctx);
        if (controls.brokenModels.includes(entry.name.replace(/:latest$/, ''))) {
          entry.instance = undefined;
          throw errors.failed('llama runner process has terminated: exit status 1');
        }
      }
      return entry.instance;
    } catch (error) {
      if (exchange.signal.aborted) ledger.count('aborted');
      throw error;
    } finally {
      this.loadWaiters--;
    }
  }

  private load(entry: Entry, signal: AbortSignal, ctx: number | undefined): Promise<void> {
    const { ledger, pacer, settings } = this.core;
    ledger.load({ model: entry.name, action: 'load' });
    const load = async () => {
      if (settings.loadMs > 0) await pacer.delay(settings.loadMs, signal);
      entry.ctx = ctx;
      entry.instance = new ModelInstance(entry.name.replace(/:latest$/, ''), settings.slots, () => ledger.changed());
    };
    entry.loading = load().finally(() => (entry.loading = undefined));
    return entry.loading;
  }

  private rest(entry: Entry): void {
    clearTimeout(entry.timer);
    const { keepAliveMs } = entry;
    entry.expiresAtMs = Date.now() + keepAliveMs;
    if (keepAliveMs === 0) return this.unload(entry.name);
    if (keepAliveMs === Infinity) return;
    entry.timer = setTimeout(() => this.unload(entry.name), Math.min(keepAliveMs, 2 ** 31 - 1));
    entry.timer.unref();
  }
}

export function tagged(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
