import { EngineAdapter, type EngineOutcome } from '../engine-adapter.port';
import { cannot } from './outcomes';

/** An engine that serves what it was started with, and has no orders to load or unload it. */
export abstract class OneModelAdapter extends EngineAdapter {
  /** What is told of that to whoever orders it: a sentence. */
  protected abstract readonly oneModel: string;

  override async load(): Promise<EngineOutcome> {
    return cannot(this.oneModel);
  }

  override async unload(): Promise<EngineOutcome> {
    return cannot(this.oneModel);
  }
}
