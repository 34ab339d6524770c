import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import {
  EngineAdapter,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
  type SlotQuestion,
} from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { CompletionFormat } from './completion-format';
import { completionBody } from './completion-request';
import { LlamaServer } from './llama-server';
import { llamacppOperations } from './llamacpp-operations';
import { eraseSlots, loadModel, unloadModel } from './operations';
import { probeServer } from './probe';

/** llama.cpp's own HTTP API, with one model or as a router of many. */
@Injectable()
export class LlamacppAdapter extends EngineAdapter {
  override readonly engine = 'llamacpp';
  override readonly operations = llamacppOperations;

  constructor(private readonly http: EngineHttp) {
    super();
  }

  override probe(target: EngineTarget, signal: AbortSignal, slots: SlotQuestion = 'ask'): Promise<EngineProbe> {
    return probeServer(new LlamaServer(this.http, target, signal), slots);
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { correlationId, work, firstTokenTimeoutMs, idleTimeoutMs } = request;
    const promptChars = typeof work.body['prompt'] === 'string' ? work.body['prompt'].length : 0;
    const body = completionBody(request);
    const wire = { route: '/completion', body, correlationId, firstTokenTimeoutMs, idleTimeoutMs };
    return this.http.stream(target, wire, () => new CompletionFormat(promptChars));
  }

  override load(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return loadModel(new LlamaServer(this.http, target, signal), modelRef);
  }

  override unload(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return unloadModel(new LlamaServer(this.http, target, signal), modelRef);
  }

  override eraseSlots(target: EngineTarget, signal: AbortSignal): Promise<EngineOutcome> {
    return eraseSlots(new LlamaServer(this.http, target, signal));
  }
}
