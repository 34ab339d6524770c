import { throwError, type Observable } from 'rxjs';
import { ServiceError } from '../../../errors/service-error';
import {
  isText,
  type EngineEvent,
  type EngineRequest,
  type EngineTarget,
  type OperationTables,
} from '../../engine-adapter.port';
import { applied, type Body } from '../../operation-table';
import type { EngineHttp } from '../engine-http';
import type { StreamFormat } from '../stream-format';
import { ChunkFormat } from './chunk-format';
import { expectationOf, openaiBody, openaiRoutes } from './openai-request';
import { ResultFormat } from './result-format';

/** What one kind of engine does in its own way. */
export interface OpenaiWays {
  readonly engine: string;
  readonly operations: OperationTables;
  readonly route?: string;
  /** What its body has beyond what the table makes of the client's. */
  readonly additions?: Body;
  readonly format?: () => StreamFormat;
}

/** Runs any operation on a server of OpenAI's API. */
export function runOpenai(
  http: EngineHttp,
  target: EngineTarget,
  request: EngineRequest,
  ways: OpenaiWays,
): Observable<readonly EngineEvent[]> {
  const { correlationId, firstTokenTimeoutMs, idleTimeoutMs, work } = request;
  const { engine, operations, route, additions } = ways;
  const { operation } = work;
  const table = operations[operation];
  if (!table) return cannotDo(engine, operation);
  const inBase64 = work.body['encoding_format'] === 'base64';
  const format = (): StreamFormat =>
    isText(operation) ? new ChunkFormat(expectationOf(engine, request)) : new ResultFormat(engine, operation, inBase64);
  try {
    const body = openaiBody(request, { ...applied(engine, table, work.body), ...additions });
    const patience = { firstTokenTimeoutMs, idleTimeoutMs };
    const wire = { route: route ?? openaiRoutes[operation], body, correlationId, ...patience };
    return http.stream(target, wire, ways.format ?? format);
  } catch (error) {
    return throwError(() => error);
  }
}

export function cannotDo(engine: string, operation: string): Observable<never> {
  const message = `Engines of the kind ${engine} cannot do this operation: ${operation}.`;
  return throwError(() => new ServiceError('INVALID_PARAMS', { engine, field: 'operation', message }));
}
