import { lookup } from 'node:dns';
import { lastValueFrom, tap, toArray, type Observable } from 'rxjs';
import type { EngineEvent, EngineRequest, EngineTarget, Work } from '../../src/engines/engine-adapter.port';
import { LlamacppAdapter } from '../../src/engines/llamacpp/llamacpp.adapter';
import { noCredentials, type EngineKeys } from '../../src/engines/engine-keys';
import { EngineHttp } from '../../src/engines/wire/engine-http';
import { asServiceError, type ServiceError } from '../../src/errors/service-error';
import { Alarms } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { TurnEnd } from '../../src/time/turn-end';

/** The key of a file is the file's name. */
export const filesAsKeys: EngineKeys = {
  read: async holder => filesAsKeys.known(holder),
  known: ({ apiKeyFile }) =>
    apiKeyFile === undefined ? noCredentials : { headers: { authorization: `Bearer ${apiKeyFile}` } },
};

/** A llamacpp adapter with everything real behind it. */
export function llamacppAdapter(): { readonly adapter: LlamacppAdapter; close(): Promise<void> } {
  return adapterOf(LlamacppAdapter);
}

/** An adapter with everything real behind it. */
export function adapterOf<T>(
  Kind: new (http: EngineHttp, clock: Clock) => T,
  clock = new Clock(),
): { readonly adapter: T; close(): Promise<void> } {
  const alarms = new Alarms(clock);
  const http = new EngineHttp({ lookup }, filesAsKeys, clock, alarms, new TurnEnd());
  return {
    adapter: new Kind(http, clock),
    close: () => {
      http.onModuleDestroy();
      alarms.onModuleDestroy();
      return Promise.resolve();
    },
  };
}

export function targetAt(url: string): EngineTarget {
  return { url, poolId: 'gpu', replicaId: 'r0' };
}

/** A run of a completion of 16 tokens, but for what is told otherwise; `body` is added to that of the work. */
export function engineRequest({ body, ...change }: Partial<EngineRequest> & Partial<Work> = {}): EngineRequest {
  return {
    taskId: 'task-1',
    correlationId: 'correlation-1',
    work: { operation: 'completion', body: { prompt: 'Hello world', max_tokens: 16, ...body } },
    firstTokenTimeoutMs: 30_000,
    idleTimeoutMs: 10_000,
    ...change,
  };
}

/** A run of a chat, likewise. */
export function chatRequest({ body, ...change }: Partial<EngineRequest> & Partial<Work> = {}): EngineRequest {
  const messages = [{ role: 'user', content: 'Hello' }];
  return engineRequest({ work: { operation: 'chat', body: { messages, max_tokens: 16, ...body } }, ...change });
}

export interface RunResult {
  readonly batches: readonly (readonly EngineEvent[])[];
  readonly events: readonly EngineEvent[];
  /** Undefined for a run that completed. */
  readonly error: ServiceError | undefined;
}

/** Everything that a run emits, and how it ends. */
export async function collect(run$: Observable<readonly EngineEvent[]>): Promise<RunResult> {
  const batches: (readonly EngineEvent[])[] = [];
  let error: ServiceError | undefined;
  try {
    await lastValueFrom(
      run$.pipe(
        tap(batch => batches.push(batch)),
        toArray(),
      ),
    );
  } catch (thrown) {
    error = asServiceError(thrown);
  }
  return { batches, events: batches.flat(), error };
}

export function textsOf({ events }: RunResult): string[] {
  return events.flatMap(event => (event.kind === 'token' ? [event.text] : []));
}
