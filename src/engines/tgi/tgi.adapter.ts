import { Injectable } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import type { EngineEvent, EngineOutcome, EngineProbe, EngineRequest, EngineTarget } from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { integerOf, lineOf } from '../wire/engine-json';
import { OneModelAdapter } from '../wire/one-model.adapter';
import { expectationOf } from '../wire/openai/openai-request';
import { OpenaiServer, probeOf } from '../wire/openai/openai-server';
import { runOpenai } from '../wire/openai/run-openai';
import { cannot } from '../wire/outcomes';
import { samplesOf, sumOf } from '../wire/prometheus';
import { tgiError } from './tgi-error';
import { TgiChunkFormat, TgiFormat } from './tgi-format';
import { tgiOperations } from './tgi-operations';
import { boundsOf, tgiBody } from './tgi-request';

const SMALL_BYTES = 64 * 1024;
const METRICS_BYTES = 4 * 1024 * 1024;
const NAME_CHARS = 256;
const RUNNING = 'tgi_batch_current_size';
const WAITING = 'tgi_queue_size';

/** Text Generation Inference (version 3): its own stream for completions, OpenAI's form for chats. */
@Injectable()
export class TgiAdapter extends OneModelAdapter {
  override readonly engine = 'tgi';
  override readonly operations = tgiOperations;
  protected override readonly oneModel = 'A TGI server serves the model that it was started with.';

  constructor(private readonly http: EngineHttp) {
    super();
  }

  /** The port opens when the model is warm. After a run that failed, `/health` tries the model, and takes as long. */
  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeOf(async () => {
      const server = new OpenaiServer(this.engine, this.http, target, signal);
      const health = await server.get('/health', SMALL_BYTES);
      if (health.status !== 200) return { state: 'unreachable', reason: tgiError(health.status, health.json).message };
      const info = await server.object('/info', SMALL_BYTES);
      const model = lineOf(info['model_id'], NAME_CHARS);
      const version = lineOf(info['version'], NAME_CHARS);
      const ctxMax = integerOf(info['max_total_tokens'], 1);
      const { status, text } = await server.ask('/metrics', METRICS_BYTES);
      const samples = samplesOf(status === 200 ? text : '', [RUNNING, WAITING]);
      // A gauge that was never set is not there.
      const [running, waiting] = [sumOf(samples.get(RUNNING)) ?? 0, sumOf(samples.get(WAITING)) ?? 0];
      return {
        state: 'ready',
        ...(version !== undefined && { engineVersion: version }),
        ...(ctxMax !== undefined && { ctxMax }),
        ...(model !== undefined && {
          models: [{ id: model, state: 'loaded' as const, ...(ctxMax !== undefined && { ctxMax }) }],
          loadedModel: model,
        }),
        ...(status === 200 && { running, waiting, slotsBusy: running + waiting }),
        supportedWorkloads: ['completion', 'chat'],
        features: ['streaming', 'cancel', 'seed'],
      };
    });
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { correlationId, firstTokenTimeoutMs, idleTimeoutMs, work } = request;
    const { engine, operations } = this;
    if (work.operation !== 'completion') {
      const format = () => new TgiChunkFormat(expectationOf(engine, request));
      return runOpenai(this.http, target, request, { engine, operations, additions: boundsOf(work.body), format });
    }
    try {
      const patience = { firstTokenTimeoutMs, idleTimeoutMs };
      const wire = { route: '/generate_stream', body: tgiBody(request), correlationId, ...patience };
      const withLogprobs = typeof work.body['logprobs'] === 'number';
      return this.http.stream(target, wire, () => new TgiFormat(withLogprobs));
    } catch (error) {
      return throwError(() => error);
    }
  }

  override async eraseSlots(): Promise<EngineOutcome> {
    return cannot('TGI has no way to erase a cache.');
  }
}
