import { setImmediate as turnOfLoop } from 'node:timers/promises';
import Fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TurnByHand } from '../../../test/support/turn-by-hand';
import { LAST_RESORT_MS, withDeadline } from '../../../test/support/deadline';
import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { TurnEnd } from '../../time/turn-end';
import type { EnvelopeFilter } from '../answers/envelope.filter';
import { RequestBodies } from '../bodies/request-bodies';
import { DirectRoutes, type ReadJson } from './direct-routes';

const answered = vi.fn(
  (thrown: unknown, _request: unknown, reply: { status(code: number): { send(text: string): void } }) =>
    reply.status(400).send((thrown as ServiceError).code),
);
const routesIn = (turn: TurnEnd): DirectRoutes =>
  new DirectRoutes({ answer: answered } as unknown as EnvelopeFilter, turn);
let fastify = Fastify();
let routes: DirectRoutes;

beforeEach(() => {
  fastify = Fastify();
  routes = routesIn(new TurnEnd());
});
afterEach(() => fastify.close());

/** Reads as a parser of Fastify's does, and says that it was this one. */
const readJson: ReadJson = (_request, payload, done) => {
  const pieces: Buffer[] = [];
  payload.on('data', (piece: Buffer) => pieces.push(piece));
  payload.on('end', () => {
    const text = Buffer.concat(pieces).toString();
    if (text === 'bad') done(new ServiceError('INVALID_PARAMS'));
    else done(null, { read: text });
  });
};

/** Resolves once so many requests have come. Before routes are added. */
function arrivals(): (count: number) => Promise<void> {
  let arrived = 0;
  fastify.addHook('onRequest', (_request, _reply, done) => {
    arrived++;
    done();
  });
  return async count => {
    while (arrived < count) await turnOfLoop();
  };
}

const post = async (payload: string, contentType: string): Promise<[number, string]> => {
  const { statusCode, body } = await fastify.inject({
    method: 'POST',
    url: '/a',
    payload,
    headers: { 'content-type': contentType },
  });
  return [statusCode, body];
};

const get = async (url: string): Promise<[number, string]> => {
  const { statusCode, body } = await fastify.inject({ method: 'GET', url });
  return [statusCode, body];
};

it('puts its handler in the place of that of the route, and of no other', async () => {
  routes.serve('GET /a/:id', async request => `direct ${(request.params as { id: string }).id}`);
  routes.install(fastify, readJson);
  fastify.get('/a/:id', async () => 'framework');
  fastify.get('/a', async () => 'framework');
  expect(await get('/a/7')).toEqual([200, 'direct 7']);
  expect(await get('/a')).toEqual([200, 'framework']);
});

it('handles what came in one turn at its end, each request once', async () => {
  const turn = new TurnByHand();
  routes = routesIn(turn);
  const handled: string[] = [];
  for (const route of ['a', 'b'] as const) {
    routes.serve(`GET /${route}/:id`, async request => {
      handled.push(`${route}${(request.params as { id: string }).id}`);
      return route;
    });
  }
  const arrived = arrivals();
  routes.install(fastify, readJson);
  for (const route of ['a', 'b']) fastify.get(`/${route}/:id`, async () => 'framework');
  const answers = Promise.all(['/a/1', '/b/1', '/a/2'].map(get));
  await arrived(3);
  expect(handled).toEqual([]);
  turn.end();
  expect(await answers).toEqual([
    [200, 'a'],
    [200, 'b'],
    [200, 'a'],
  ]);
  // Those of a route together.
  expect(handled).toEqual(['a1', 'a2', 'b1']);
  const another = get('/a/3');
  await arrived(4);
  turn.end();
  expect(await another).toEqual([200, 'a']);
});

it('handles 64 of a route without waiting for the end of the turn', async () => {
  const turn = new TurnByHand();
  routes = routesIn(turn);
  routes.serve('GET /a', async () => 'direct');
  const arrived = arrivals();
  routes.install(fastify, readJson);
  fastify.get('/a', async () => 'framework');
  const answers = Array.from({ length: 65 }, () => get('/a'));
  expect(await Promise.all(answers.slice(0, 64))).toEqual(Array(64).fill([200, 'direct']));
  await arrived(65);
  turn.end();
  expect(await answers[64]).toEqual([200, 'direct']);
});

it.each(['application/json', 'application/json; charset=utf-8'])(
  'handles a large body in the turn that is kept for it, and beside no other: %s',
  async contentType => {
    const turn = new TurnByHand();
    routes = routesIn(turn);
    routes.serve('POST /a', async request => `${(request.body as { a: string }).a.length}`);
    const bodies = new RequestBodies({ intakeMaxBytes: 2 ** 20, bodyLimitBytes: 2 ** 20 } as Config);
    fastify.addHook('onRequest', (request, reply, done) => {
      request.response = reply.raw;
      done();
    });
    routes.install(fastify, bodies.parse);
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('application/json', bodies.parse);
    fastify.post('/a', async () => 'framework');
    const answer = post(JSON.stringify({ a: 'a'.repeat(50_000) }), contentType);
    expect(await withDeadline(answer, LAST_RESORT_MS, () => 'it waits for the end of a turn')).toEqual([200, '50000']);
  },
);

describe('with a body', () => {
  beforeEach(() => {
    routes.serve('POST /a', async request => request.body);
    routes.install(fastify, readJson);
    fastify.post('/a', async () => 'framework');
  });

  it('reads plain JSON itself', async () => {
    expect(await post('{"a":1}', 'application/json')).toEqual([200, '{"read":"{\\"a\\":1}"}']);
  });

  it('has a body that cannot be taken answered by the filter', async () => {
    expect(await post('bad', 'application/json')).toEqual([400, 'INVALID_PARAMS']);
  });

  it.each([
    ['JSON with a parameter', '{"a":1}', 'application/json; charset=utf-8', [200, '{"a":1}']],
    ['what is no JSON', 'a=1', 'text/csv', [415, expect.stringContaining('FST_ERR_CTP_INVALID_MEDIA_TYPE')]],
  ])("leaves %s to Fastify's parsers, and answers it all the same", async (_what, payload, contentType, answer) => {
    expect(await post(payload, contentType)).toEqual(answer);
  });

  it('comes after the hooks that refuse', async () => {
    fastify = Fastify();
    routes.install(fastify, readJson);
    fastify.addHook('onRequest', (_request, reply) => void reply.status(401).send('stranger'));
    fastify.post('/a', async () => 'framework');
    expect(await post('{}', 'application/json')).toEqual([401, 'stranger']);
  });
});

it('has what is thrown answered by the filter', async () => {
  routes.serve('GET /a', async () => {
    throw new ServiceError('TASK_NOT_FOUND');
  });
  routes.install(fastify, readJson);
  fastify.get('/a', async () => 'framework');
  expect(await get('/a')).toEqual([400, 'TASK_NOT_FOUND']);
});

it('leaves the answer to a handler that has sent it', async () => {
  routes.serve('GET /a', async (_request, reply) => {
    void reply.status(204).send();
    return undefined;
  });
  routes.install(fastify, readJson);
  fastify.get('/a', async () => 'framework');
  expect(await get('/a')).toEqual([204, '']);
});

it('does not start where its route is missing', async () => {
  routes.serve('GET /gone', async () => 'direct');
  routes.install(fastify, readJson);
  await expect(fastify.ready()).rejects.toThrow('there is no route GET /gone');
});
