import Fastify from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import type { EnvelopeFilter } from '../answers/envelope.filter';
import { DirectRoutes } from './direct-routes';

const answered = vi.fn(
  (thrown: unknown, _request: unknown, reply: { status(code: number): { send(text: string): void } }) =>
    reply.status(400).send((thrown as ServiceError).code),
);
let fastify = Fastify();
let routes: DirectRoutes;

beforeEach(() => {
  fastify = Fastify();
  routes = new DirectRoutes({ answer: answered } as unknown as EnvelopeFilter);
});
afterEach(() => fastify.close());

const get = async (url: string): Promise<[number, string]> => {
  const { statusCode, body } = await fastify.inject({ method: 'GET', url });
  return [statusCode, body];
};

it('puts its handler in the place of that of the route, and of no other', async () => {
  routes.serve('GET /a/:id', async request => `direct ${(request.params as { id: string }).id}`);
  routes.install(fastify);
  fastify.get('/a/:id', async () => 'framework');
  fastify.get('/a', async () => 'framework');
  expect(await get('/a/7')).toEqual([200, 'direct 7']);
  expect(await get('/a')).toEqual([200, 'framework']);
});

it('has what is thrown answered by the filter', async () => {
  routes.serve('GET /a', async () => {
    throw new ServiceError('TASK_NOT_FOUND');
  });
  routes.install(fastify);
  fastify.get('/a', async () => 'framework');
  expect(await get('/a')).toEqual([400, 'TASK_NOT_FOUND']);
});

it('leaves the answer to a handler that has sent it', async () => {
  routes.serve('GET /a', async (_request, reply) => {
    void reply.status(204).send();
    return undefined;
  });
  routes.install(fastify);
  fastify.get('/a', async () => 'framework');
  expect(await get('/a')).toEqual([204, '']);
});

it('does not start where its route is missing', async () => {
  routes.serve('GET /gone', async () => 'direct');
  routes.install(fastify);
  await expect(fastify.ready()).rejects.toThrow('there is no route GET /gone');
});
