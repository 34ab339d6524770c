import Fastify from 'fastify';
import { beforeEach, expect, it } from 'vitest';
import { RouteMethods } from './route-methods';

let routes: RouteMethods;

beforeEach(() => {
  const fastify = Fastify({ exposeHeadRoutes: false });
  routes = new RouteMethods(fastify);
  const answer = (): string => '';
  fastify.get('/v2/things', answer);
  fastify.post('/v2/things', answer);
  fastify.get('/v2/things/:id', answer);
  fastify.delete('/v2/things/special', answer);
  fastify.get('/files/*', answer);
  fastify.get('/a.json', answer);
  fastify.route({ method: ['GET', 'HEAD'], url: '/stream', config: { getOnly: true }, handler: answer });
});

it.each([
  ['/v2/things', 'GET OPTIONS POST'],
  ['/v2/things?a=/v2', 'GET OPTIONS POST'],
  ['/v2/things/x', 'GET OPTIONS'],
  ['/v2/things/a%2Fb', 'GET OPTIONS'],
  ['/v2/things/special', 'DELETE OPTIONS'],
  ['/files/a/b', 'GET OPTIONS'],
  ['/a.json', 'GET OPTIONS'],
  ['/stream', 'GET OPTIONS'],
  ['/v2/%74hings', 'GET OPTIONS POST'],
  ['/v2/things/', ''],
  ['/v2/things/x/y', ''],
  ['/axjson', ''],
  ['/V2/things', ''],
  ['/v2/%', ''],
  ['', ''],
  ['*', ''],
])('knows the methods of %s', (target, methods) => {
  expect(routes.allowedAt(target).join(' ')).toBe(methods);
});
