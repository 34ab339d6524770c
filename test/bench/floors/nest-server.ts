import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { sayListening } from './announce';

/** A module on Fastify with nothing else. */
export async function serve(module: new () => object): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  sayListening((app.getHttpServer().address() as AddressInfo).port);
}
