import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { EngineEvent, EngineOutcome, EngineProbe, EngineRequest, EngineTarget } from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { OneModelAdapter } from '../wire/one-model.adapter';
import { factsOf, OpenaiServer, probeOf } from '../wire/openai/openai-server';
import { runOpenai } from '../wire/openai/run-openai';
import { cannot } from '../wire/outcomes';
import { openaiOperations } from './openai-operations';

/**
 * Any server of OpenAI's API: LM Studio, LocalAI, TensorRT-LLM's, a hosted one. It has no more than that API: a list of models says that
 * it is there, and nothing says how busy it is.
 */
@Injectable()
export class OpenaiAdapter extends OneModelAdapter {
  override readonly engine = 'openai';
  override readonly operations = openaiOperations;
  protected override readonly oneModel = "OpenAI's API has no way to load or unload a model.";

  constructor(private readonly http: EngineHttp) {
    super();
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    const server = new OpenaiServer(this.engine, this.http, target, signal);
    return probeOf(async () => ({
      state: 'ready',
      ...factsOf(await server.models()),
      supportedWorkloads: ['completion', 'chat', 'embedding', 'rerank'],
      features: ['streaming', 'cancel', 'seed'],
    }));
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    return runOpenai(this.http, target, request, this);
  }

  override async eraseSlots(): Promise<EngineOutcome> {
    return cannot("OpenAI's API has no way to erase a cache.");
  }
}
