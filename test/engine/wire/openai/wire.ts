import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { ModelInstance } from '../../model-instance';
import type { HeaderList } from '../../wire-error';
import { hexId } from '../random-id';
import type { Server, Wire } from '../wire';
import { openaiErrors } from './errors';
import { openaiHttp } from './http';
import { poolingRoutes } from './pooling.routes';
import { openaiRoutes } from './routes';

const REQUESTS_A_MINUTE = 500;
const TOKENS_A_MINUTE = 200_000;

/** A plain server of OpenAI's API, as the hosted one is. */
export const openaiWire: Wire = {
  http: openaiHttp,
  internal: () => openaiErrors.failed(),
  server(core): Server {
    const instance = new ModelInstance(core.settings.model, core.settings.slots, () => core.ledger.changed());
    return {
      routes: { ...openaiRoutes(core, instance), ...poolingRoutes(core, instance) },
      instances: () => [instance],
      openWhileAsleep: new Set(),
      loadsAtStart: true,
      unrouted: ({ request, url }) => openaiErrors.unknownRoute(request.method ?? '', url.pathname),
      admit: exchange => {
        exchange.more = headersOf(core, instance, exchange);
        if (core.settings.apiKey !== undefined) checkKey(exchange, core.settings.apiKey);
        if (core.controls.loading) throw openaiErrors.overloaded();
      },
    };
  },
};

function checkKey({ request }: Exchange, apiKey: string): void {
  const { authorization } = request.headers;
  if (authorization === undefined) throw openaiErrors.noKey();
  if (authorization !== `Bearer ${apiKey}`) throw openaiErrors.wrongKey();
}

function headersOf({ settings }: EngineCore, { requests }: ModelInstance, { request, body }: Exchange): HeaderList {
  const asked = request.headers['x-client-request-id'];
  const id: HeaderList = [
    ['openai-processing-ms', String(1 + Math.round(performance.now() % 7))],
    ['x-request-id', `req_${hexId(32)}`],
    ...(typeof asked === 'string' ? [['x-client-request-id', asked] as const] : []),
  ];
  if (request.method !== 'POST') return id;
  const tokens = Math.min(TOKENS_A_MINUTE, Math.ceil(body.length / 4) + settings.slots);
  return [
    ...id,
    ['x-ratelimit-limit-requests', String(REQUESTS_A_MINUTE)],
    ['x-ratelimit-limit-tokens', String(TOKENS_A_MINUTE)],
    ['x-ratelimit-remaining-requests', String(Math.max(0, REQUESTS_A_MINUTE - requests - 1))],
    ['x-ratelimit-remaining-tokens', String(TOKENS_A_MINUTE - tokens)],
    ['x-ratelimit-reset-requests', '120ms'],
    ['x-ratelimit-reset-tokens', '2ms'],
  ];
}
