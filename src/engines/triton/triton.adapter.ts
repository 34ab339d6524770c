import { Injectable } from '@nestjs/common';
import { tap, throwError, type Observable } from 'rxjs';
import {
  EngineAdapter,
  type EngineEvent,
  type EngineModel,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
} from '../engine-adapter.port';
import { reasonOf } from '../wire/engine-error';
import { EngineHttp } from '../wire/engine-http';
import { KnownOf } from '../wire/known-of';
import { factsOf, probeOf } from '../wire/openai/openai-server';
import { cannotDo } from '../wire/openai/run-openai';
import { cannot, done, outcomeOf, refused } from '../wire/outcomes';
import { isDead } from './triton-error';
import { TritonFormat } from './triton-format';
import { tritonOperations } from './triton-operations';
import { tritonBody } from './triton-request';
import { TritonServer, type ListedModel } from './triton-server';

/** Loaded models that are asked for their inputs. */
const MAX_MODELS_ASKED = 64;

type Inputs = ReadonlyMap<string, ReadonlySet<string>>;

/** Triton over HTTP, with a model that takes `text_input` and gives `text_output`: the vLLM and TensorRT-LLM backends, or one like them. */
@Injectable()
export class TritonAdapter extends EngineAdapter {
  override readonly engine = 'triton';
  override readonly operations = tritonOperations;
  private readonly inputs = new KnownOf<Inputs>();
  /** Models whose process died under a run, by engine and model: nothing but an unload mends that, and nothing else tells of it. */
  private readonly dead = new Set<string>();

  constructor(private readonly http: EngineHttp) {
    super();
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeOf(async () => {
      const server = new TritonServer(this.http, target, signal);
      const version = await server.version();
      const listed = await server.models();
      // One flag for everything: it is also down while any model is loaded, and for as long as any failed.
      const { status } = await server.get('/v2/health/ready');
      const explained = listed.some(({ state }) => state === 'loading' || state === 'failed');
      if (status !== 200 && !explained)
        return { state: 'loading', reason: 'The engine says that it is not ready, or it is about to stop.' };
      const inputs = await this.inputsOf(target, server, listed);
      const models = listed.flatMap(model => this.modelOf(target, model, inputs) ?? []);
      const waiting = await server.pending();
      return {
        state: 'ready',
        ...factsOf(models),
        ...(version !== undefined && { engineVersion: version }),
        ...(waiting !== undefined && { waiting }),
        supportedWorkloads: ['completion'],
        features: ['streaming', 'cancel', 'seed'],
      };
    });
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    const { correlationId, firstTokenTimeoutMs, idleTimeoutMs, model, work } = request;
    if (work.operation !== 'completion') return cannotDo(this.engine, work.operation);
    if (model === undefined) return cannotDo(this.engine, 'a completion without a model');
    try {
      const body = tritonBody(request, this.inputs.known(target.url)?.get(model));
      const route = `/v2/models/${encodeURIComponent(model)}/generate_stream`;
      const wire = { route, body, correlationId, firstTokenTimeoutMs, idleTimeoutMs };
      const bound = work.body['max_tokens'] ?? work.body['max_completion_tokens'];
      const run$ = this.http.stream(target, wire, () => new TritonFormat(bound));
      const died = (error: unknown) => void (isDead(error) && this.dead.add(nameOf(target, model)));
      return run$.pipe(tap({ error: died }));
    } catch (error) {
      return throwError(() => error);
    }
  }

  override load(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return this.change(target, modelRef, 'load', signal);
  }

  override unload(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    return this.change(target, modelRef, 'unload', signal);
  }

  override async eraseSlots(): Promise<EngineOutcome> {
    return cannot('Triton has no way to erase a cache.');
  }

  /** Answers once a load is done, and at once to an unload; 503 where the server was not started to take such wishes. */
  private change(
    target: EngineTarget,
    model: string,
    what: 'load' | 'unload',
    signal: AbortSignal,
  ): Promise<EngineOutcome> {
    return outcomeOf(async () => {
      const server = new TritonServer(this.http, target, signal);
      // A load does not mend a model whose process died.
      if (what === 'load' && this.dead.has(nameOf(target, model))) {
        await server.post(`/v2/repository/models/${encodeURIComponent(model)}/unload`);
      }
      const { status, json } = await server.post(`/v2/repository/models/${encodeURIComponent(model)}/${what}`);
      if (status === 503) return cannot('This Triton loads its models by itself (--model-control-mode).');
      if (status !== 200) return refused(reasonOf(json) ?? `The engine answered with status ${status}.`);
      this.dead.delete(nameOf(target, model));
      return done;
    });
  }

  private inputsOf(target: EngineTarget, server: TritonServer, listed: readonly ListedModel[]): Promise<Inputs> {
    const loaded = listed.filter(({ state }) => state === 'loaded').slice(0, MAX_MODELS_ASKED);
    return this.inputs.of(target.url, loaded.map(({ name }) => name).join(' '), async () => {
      const found = await Promise.all(loaded.map(async ({ name }) => [name, await server.inputsOf(name)] as const));
      return new Map(found.flatMap(([name, inputs]) => (inputs ? [[name, inputs] as const] : [])));
    });
  }

  /** Undefined for a part of an ensemble, and whatever else does not make text of text. */
  private modelOf(target: EngineTarget, { name, state, reason }: ListedModel, inputs: Inputs): EngineModel | undefined {
    if (state === 'loaded' && !inputs.has(name)) return undefined;
    if (state !== 'loaded') this.dead.delete(nameOf(target, name));
    if (this.dead.has(nameOf(target, name))) {
      return { id: name, state: 'failed', reason: "The model's process died; the engine calls it ready all the same." };
    }
    return { id: name, state, ...(reason !== undefined && { reason }) };
  }
}

function nameOf({ url }: EngineTarget, model: string): string {
  return `${url} ${model}`;
}
