import { Injectable } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import {
  EngineAdapter,
  type EngineEvent,
  type EngineOutcome,
  type EngineProbe,
  type EngineTarget,
  type OperationTables,
} from '../engine-adapter.port';
import { standIn } from '../stand-in';

/** The one model name that it refuses to load: the fault that people can try a reload's rollback with. */
const REFUSED_MODEL = 'bad';

/** The built-in stand-in: always ready, says `Hello`, and never pretends to be a model. */
@Injectable()
export class DeterministicAdapter extends EngineAdapter {
  override readonly engine = standIn.engine;
  override readonly operations: OperationTables = {
    completion: { route: 'none', parameters: {}, others: 'passed' },
    chat: { route: 'none', parameters: {}, others: 'passed' },
  };

  override async probe(): Promise<EngineProbe> {
    const { engineVersion, supportedWorkloads, features } = standIn;
    return { state: 'ready', engineVersion, slotsTotal: 1, supportedWorkloads, features };
  }

  override run(): Observable<readonly EngineEvent[]> {
    return of([
      { kind: 'token', text: 'Hello' },
      { kind: 'end', usage: { tokensIn: 0, tokensOut: 1, decodeMs: 0, finishReason: 'stop' } },
    ]);
  }

  override async load(_target: EngineTarget, modelRef: string): Promise<EngineOutcome> {
    if (modelRef !== REFUSED_MODEL) return { ok: true };
    return {
      ok: false,
      unsupported: false,
      reason: `The deterministic engine refuses the model \`${REFUSED_MODEL}\`.`,
    };
  }

  override async unload(): Promise<EngineOutcome> {
    return { ok: true };
  }

  override async eraseSlots(): Promise<EngineOutcome> {
    return { ok: true };
  }
}
