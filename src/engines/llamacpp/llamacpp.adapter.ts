import { Injectable } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import {
  EngineAdapter,
  isText,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
  type Operation,
  type SlotQuestion,
} from '../engine-adapter.port';
import { refusalOf } from '../operation-table';
import { EngineHttp } from '../wire/engine-http';
import { KnownOf } from '../wire/known-of';
import { expectationOf } from '../wire/openai/openai-request';
import { runOpenai } from '../wire/openai/run-openai';
import { LlamaChunkFormat, LlamaResultFormat } from './chat-format';
import { CompletionFormat } from './completion-format';
import { completionBody, isNative } from './completion-request';
import { LlamaServer } from './llama-server';
import { LlamaTokenizer } from './llama-tokenizer';
import { llamacppOperations } from './llamacpp-operations';
import { eraseSlots, loadModel, unloadModel } from './operations';
import { probeServer } from './probe';
import { toolsAndChoice } from './tool-choice';

/** llama.cpp's own HTTP API, with one model or as a router of many. */
@Injectable()
export class LlamacppAdapter extends EngineAdapter {
  override readonly engine = 'llamacpp';
  override readonly operations = llamacppOperations;
  override readonly tokenizer: LlamaTokenizer;
  private readonly workloads = new KnownOf<readonly Operation[]>();

  constructor(private readonly http: EngineHttp) {
    super();
    this.tokenizer = new LlamaTokenizer(this.engine, http);
  }

  override probe(target: EngineTarget, signal: AbortSignal, slots: SlotQuestion = 'ask'): Promise<EngineProbe> {
    return probeServer(new LlamaServer(this.http, target, signal), slots, (key, look) =>
      this.workloads.of(target.url, key, look),
    );
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { operation, body } = request.work;
    return operation === 'completion' && isNative(body)
      ? this.complete(target, request)
      : this.runOpenai(target, request);
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

  /** The way of plain text. */
  private complete(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { correlationId, work, firstTokenTimeoutMs, idleTimeoutMs } = request;
    const refused = refusalOf(this.engine, llamacppOperations.completion, work.body);
    if (refused) return throwError(() => refused);
    const promptChars = (work.body['prompt'] as string).length;
    const body = completionBody(request);
    const wire = { route: '/completion', body, correlationId, firstTokenTimeoutMs, idleTimeoutMs };
    return this.http.stream(target, wire, () => new CompletionFormat(promptChars));
  }

  private runOpenai(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { engine, operations } = this;
    const { operation, body } = request.work;
    // Progress tells a long prompt from an engine that is stuck.
    const additions = {
      ...(isText(operation) && { return_progress: true }),
      ...(operation === 'completion' && { max_tokens: body['max_tokens'] ?? body['max_completion_tokens'] }),
      ...(operation === 'chat' && toolsAndChoice(body)),
    };
    const format = () =>
      isText(operation)
        ? new LlamaChunkFormat(expectationOf(engine, request))
        : new LlamaResultFormat(engine, operation, body['encoding_format'] === 'base64');
    return runOpenai(this.http, target, request, { engine, operations, additions, format });
  }
}
