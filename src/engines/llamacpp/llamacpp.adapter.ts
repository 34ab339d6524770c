import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import {
  EngineAdapter,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineRequest,
  type EngineTarget,
} from '../engine-adapter.port';
import { EngineHttp, type EngineAnswer } from '../wire/engine-http';
import { engineStream } from '../wire/engine-stream';
import { completionFormat } from './completion-format';
import { completionBody } from './completion-request';
import { reasonOf } from './llamacpp-error';
import { probeLlamacpp, routerModels } from './probe';

const LOAD_POLL_MS = 200;

/** llama.cpp's own HTTP API, with one model or as a router of many (server of late 2026; recordings in test/wire). */
@Injectable()
export class LlamacppAdapter extends EngineAdapter {
  override readonly engine = 'llamacpp';

  constructor(private readonly http: EngineHttp) {
    super();
  }

  override probe(target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
    return probeLlamacpp(this.http, target, signal);
  }

  override run(target: EngineTarget, request: EngineRequest): Observable<readonly EngineEvent[]> {
    // A server with one model ignores `model`; a router needs it.
    const body = completionBody(request, request.modelRef);
    return engineStream(
      handler => this.http.stream(target, '/completion', body, request.correlationId, handler),
      completionFormat,
      request.idleTimeoutMs,
    );
  }

  override async load(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    const probe = await this.probe(target, signal);
    if (probe.state !== 'ready') return refused(probe.reason ?? 'The engine is not ready.');
    if (!probe.models) return probe.loadedModel === modelRef ? done : unsupported(`This llama.cpp server has one model, ${probe.loadedModel ?? ''}, and cannot change it.`);
    const answer = await this.http.ask(target, 'POST', '/models/load', signal, { model: modelRef });
    // It answers 400 to a model that it has loaded or is loading already: then there is only to wait.
    const runs = probe.models.some(({ id, state }) => id === modelRef && (state === 'loaded' || state === 'loading'));
    if (answer.status !== 200 && !runs) return refusal(answer, `The engine has no model ${modelRef}.`);
    return this.untilLoaded(target, modelRef, signal);
  }

  override async unload(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    const answer = await this.http.ask(target, 'POST', '/models/unload', signal, { model: modelRef });
    if (answer.status === 200) return done;
    return answer.status === 404 ? unsupported('This llama.cpp server cannot unload models.') : refusal(answer, 'The engine refused.');
  }

  override async eraseSlots(target: EngineTarget, signal: AbortSignal): Promise<EngineOutcome> {
    const { slotsTotal = 0, models } = await this.probe(target, signal);
    if (models) return unsupported('A llama.cpp router has no slots of its own.');
    for (let slot = 0; slot < slotsTotal; slot++) {
      const answer = await this.http.ask(target, 'POST', `/slots/${slot}?action=erase`, signal, {});
      if (answer.status === 501) return unsupported(reasonOf(answer.json).reason ?? 'It needs --slot-save-path.');
      if (answer.status !== 200) return refusal(answer, `Slot ${slot} could not be erased.`);
    }
    return done;
  }

  private async untilLoaded(target: EngineTarget, modelRef: string, signal: AbortSignal): Promise<EngineOutcome> {
    for (;;) {
      const model = (await routerModels(this.http, target, signal)).find(({ id }) => id === modelRef);
      if (model?.state === 'loaded') return done;
      if (model?.state !== 'loading') return refused(`The engine could not load ${modelRef}.`);
      await pause(LOAD_POLL_MS, undefined, { signal }).catch((cause: unknown) => {
        throw new ServiceError('RELOAD_TIMEOUT', { engine: this.engine }, cause);
      });
    }
  }
}

const done: EngineOutcome = { ok: true };

function refused(reason: string): EngineOutcome {
  return { ok: false, unsupported: false, reason };
}

function unsupported(reason: string): EngineOutcome {
  return { ok: false, unsupported: true, reason };
}

function refusal({ json }: EngineAnswer, otherwise: string): EngineOutcome {
  const { reason } = reasonOf(json);
  return refused(reason === undefined || reason === 'File Not Found' ? otherwise : reason);
}
