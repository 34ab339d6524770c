import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Observable } from 'rxjs';
import { Clock } from '../../time/clock';
import {
  isText,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
} from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { KnownOf } from '../wire/known-of';
import { OneModelAdapter } from '../wire/one-model.adapter';
import { withReasoning } from '../wire/openai/messages';
import { OpenaiServer } from '../wire/openai/openai-server';
import { runOpenai } from '../wire/openai/run-openai';
import { done, outcomeOf, refused } from '../wire/outcomes';
import { Standstill } from '../wire/standstill';
import { SglangRerankFormat } from './sglang-format';
import { sglangOperations } from './sglang-operations';
import { probeSglang, type SglangNature } from './sglang-probe';

const ANSWER_BYTES = 64 * 1024;
const ABORT_TIMEOUT_MS = 2_000;

/** SGLang's server: OpenAI's API with members of its own, and requests that are ended by name. */
@Injectable()
export class SglangAdapter extends OneModelAdapter {
  override readonly engine = 'sglang';
  override readonly operations = sglangOperations;
  protected override readonly oneModel = 'An SGLang server serves the model that it was started with.';
  private readonly standstill: Standstill;
  private readonly natures = new KnownOf<SglangNature>();

  constructor(
    private readonly http: EngineHttp,
    clock: Clock,
  ) {
    super();
    this.standstill = new Standstill(clock);
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeSglang(
      this.server(target, signal),
      (key, look) => this.natures.of(target.url, key, look),
      load => this.standstill.reason(target, load),
    );
  }

  /**
   * A client that goes is noticed after two to four seconds, in which the engine works on: so a run that is given up is ended by its
   * name as well. Names are of one length, for the server ends all those that begin with what it is given.
   */
  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { operation, body } = request.work;
    return new Observable(subscriber => {
      const rid = randomUUID().replaceAll('-', '');
      const additions = {
        ...(isText(operation) && { rid, ...this.priorityOf(target, request) }),
        ...(operation === 'chat' && { messages: withReasoning(body['messages'], 'reasoning_content') }),
      };
      const format = operation === 'rerank' ? { format: () => new SglangRerankFormat() } : {};
      const { engine, operations } = this;
      const run$ = runOpenai(this.http, target, request, { engine, operations, additions, ...format });
      let isOver = false;
      subscriber.add(() => {
        if (!isOver && isText(operation)) void this.abort(target, rid);
      });
      return this.standstill.counted(target, run$).subscribe({
        next: batch => {
          isOver = batch.at(-1)?.kind === 'end';
          subscriber.next(batch);
        },
        error: (error: unknown) => {
          isOver = true;
          subscriber.error(error);
        },
        complete: () => subscriber.complete(),
      });
    });
  }

  override eraseSlots(target: EngineTarget, signal: AbortSignal): Promise<EngineOutcome> {
    return outcomeOf(async () => {
      const { status } = await this.server(target, signal).post('/flush_cache', {}, ANSWER_BYTES);
      return status === 200 ? done : refused('The engine erases its cache only while nothing runs or waits.');
    });
  }

  /** Who names none is the last. */
  private priorityOf({ url }: EngineTarget, { priority, work }: EngineRequest): { readonly priority?: unknown } {
    const first = this.natures.known(url)?.first;
    if (first === undefined || work.body['priority'] !== undefined) return {};
    return priority === (first === 'larger' ? 'interactive' : 'batch') ? { priority: 1 } : { priority: 0 };
  }

  /** Where it is refused (an admin's key is wanted), the server finds out by itself. */
  private async abort(target: EngineTarget, rid: string): Promise<void> {
    const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS);
    await this.server(target, signal)
      .post('/abort_request', { rid }, ANSWER_BYTES)
      .catch(() => undefined);
  }

  private server(target: EngineTarget, signal: AbortSignal): OpenaiServer {
    return new OpenaiServer(this.engine, this.http, target, signal);
  }
}
