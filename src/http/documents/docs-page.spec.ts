import type { OpenAPIObject } from '@nestjs/swagger';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { serveDocsPage } from './docs-page';

const document: OpenAPIObject = { openapi: '3.0.3', info: { title: 'a', version: '1' }, paths: {} };

it('is put together again where that failed, and once for all that ask', async () => {
  const fastify = Fastify();
  let made = 0;
  serveDocsPage(fastify, async () => {
    if (made++ === 0) throw new Error('too many open files');
    return document;
  });
  const statuses = () => Promise.all(['/docs', '/docs-yaml'].map(async url => (await fastify.inject(url)).statusCode));
  expect(await statuses()).toEqual([500, 500]);
  expect(await statuses()).toEqual([200, 200]);
  expect(await statuses()).toEqual([200, 200]);
  expect(made).toBe(2);
  await fastify.close();
});
