import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Clock } from '../../time/clock';
import {
  isText,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
  type Operation,
} from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { KnownOf } from '../wire/known-of';
import { OneModelAdapter } from '../wire/one-model.adapter';
import { withReasoning } from '../wire/openai/messages';
import { OpenaiServer } from '../wire/openai/openai-server';
import { runOpenai } from '../wire/openai/run-openai';
import { cannot, done, outcomeOf, refused } from '../wire/outcomes';
import { Standstill } from '../wire/standstill';
import { vllmOperations } from './vllm-operations';
import { probeVllm } from './vllm-probe';
import { VllmTokenizer } from './vllm-tokenizer';

const ANSWER_BYTES = 64 * 1024;
/** Smaller goes first, and 0 is what a request has that says nothing; a server that goes by arrival takes it and does not look at it. */
const AFTER_OTHERS = 1;

/** vLLM's server: OpenAI's API with members of its own, and metrics that tell how much it has to do. */
@Injectable()
export class VllmAdapter extends OneModelAdapter {
  override readonly engine = 'vllm';
  override readonly operations = vllmOperations;
  protected override readonly oneModel = 'A vLLM server serves the model that it was started with.';
  override readonly tokenizer: VllmTokenizer;
  private readonly standstill: Standstill;
  private readonly served = new KnownOf<readonly Operation[]>();

  constructor(
    private readonly http: EngineHttp,
    clock: Clock,
  ) {
    super();
    this.standstill = new Standstill(clock);
    this.tokenizer = new VllmTokenizer(this.engine, http);
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeVllm(
      new OpenaiServer(this.engine, this.http, target, signal),
      (key, look) => this.served.of(target.url, key, look),
      load => this.standstill.reason(target, load),
    );
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { operation, body } = request.work;
    const additions = {
      ...(operation === 'chat' && { messages: withReasoning(body['messages'], 'reasoning') }),
      ...(isText(operation) && request.priority === 'batch' && { priority: body['priority'] ?? AFTER_OTHERS }),
    };
    return this.standstill.counted(target, runOpenai(this.http, target, request, { ...this.ways, additions }));
  }

  /** Only servers in development mode have the route. */
  override eraseSlots(target: EngineTarget, signal: AbortSignal): Promise<EngineOutcome> {
    return outcomeOf(async () => {
      const server = new OpenaiServer(this.engine, this.http, target, signal);
      const { status } = await server.post('/reset_prefix_cache', {}, ANSWER_BYTES);
      if (status === 404) return cannot('This vLLM server does not let its cache be erased (VLLM_SERVER_DEV_MODE).');
      return status === 200 ? done : refused(`The engine answered with status ${status}.`);
    });
  }

  private get ways() {
    return { engine: this.engine, operations: this.operations };
  }
}
