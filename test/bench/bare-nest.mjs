// A Nest app with one route, as plain JavaScript, so that nothing but Nest is waited for.
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class HealthController {
  health() {
    return { status: 'ok' };
  }
}
Controller()(HealthController);
Get('healthz')(
  HealthController.prototype,
  'health',
  Object.getOwnPropertyDescriptor(HealthController.prototype, 'health'),
);

class AppModule {}
Module({ controllers: [HealthController] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
process.stdout.write(`ready http://127.0.0.1:${new URL(await app.getUrl()).port}\n`);
