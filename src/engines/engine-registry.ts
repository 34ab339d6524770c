import { Injectable } from '@nestjs/common';
import type { EngineAdapter } from './engine-adapter.port';

/** Finds the adapter for an engine's name. The names it knows are the names a registration may use. */
@Injectable()
export class EngineRegistry {
  private readonly adapters: ReadonlyMap<string, EngineAdapter>;

  constructor(adapters: readonly EngineAdapter[]) {
    this.adapters = new Map(adapters.map(adapter => [adapter.engine, adapter]));
  }

  find(engine: string): EngineAdapter | undefined {
    return this.adapters.get(engine);
  }

  names(): readonly string[] {
    return [...this.adapters.keys()];
  }
}
