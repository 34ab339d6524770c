import { Injectable } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import {
  EngineAdapter,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
} from '../engine-adapter.port';
import { reasonOf } from '../wire/engine-error';
import { EngineHttp } from '../wire/engine-http';
import { cannot, done, outcomeOf, refused } from '../wire/outcomes';
import { formatOf } from './ollama-format';
import { ollamaOperations } from './ollama-operations';
import { ollamaRequest } from './ollama-request';
import { OllamaServer, probeOllama } from './ollama-server';

/** Ollama's own API, which has what its OpenAI's lacks: bounds that hold, errors in streams, the state of models. */
@Injectable()
export class OllamaAdapter extends EngineAdapter {
  override readonly engine = 'ollama';
  override readonly operations = ollamaOperations;

  constructor(private readonly http: EngineHttp) {
    super();
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeOllama(new OllamaServer(this.http, target, signal));
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { correlationId, firstTokenTimeoutMs, idleTimeoutMs, work } = request;
    try {
      const wire = { ...ollamaRequest(request), correlationId, firstTokenTimeoutMs, idleTimeoutMs };
      const inBase64 = work.body['encoding_format'] === 'base64';
      return this.http.stream(target, wire, () => formatOf(work.operation, inBase64));
    } catch (error) {
      return throwError(() => error);
    }
  }

  /** An empty prompt loads; one that hangs up meanwhile breaks the load off. */
  override load(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return outcomeOf(async () => {
      const server = new OllamaServer(this.http, target, signal);
      let answer = await server.post('/api/generate', { model: modelRef, stream: false });
      // A model that only embeds has nothing to generate.
      if (answer.status === 400) answer = await server.post('/api/embed', { model: modelRef, input: ' ' });
      return answer.status === 200 ? done : refused(reasonOf(answer.json) ?? `The engine could not load ${modelRef}.`);
    });
  }

  override unload(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return outcomeOf(async () => {
      const server = new OllamaServer(this.http, target, signal);
      let answer = await server.post('/api/generate', { model: modelRef, stream: false, keep_alive: 0 });
      if (answer.status === 400)
        answer = await server.post('/api/embed', { model: modelRef, input: ' ', keep_alive: 0 });
      return answer.status === 200 ? done : refused(reasonOf(answer.json) ?? `The engine kept ${modelRef}.`);
    });
  }

  override async eraseSlots(): Promise<EngineOutcome> {
    return cannot('Ollama has no way to erase a cache but to unload the model.');
  }
}
