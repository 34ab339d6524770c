import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module';
import type { Config } from './config/config';
import { ApiKeys } from './http/access/api-keys';
import { Audit } from './http/logging/audit';
import { DirectRoutes } from './http/routes/direct-routes';
import { createHttpAdapter, installHooks } from './http/http-server';
import { serveOpenApi } from './http/documents/openapi';
import { HttpFigures } from './observability/http-figures';
import type { Logger } from './observability/logger';
import { Narrator } from './observability/narrator';
import { RecoveryService } from './tasks/recovery/recovery.service';
import { ShutdownService } from './tasks/recovery/shutdown.service';

/** Puts the service together without opening a socket. */
export async function createService(config: Config, logger: Logger): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, logger), createHttpAdapter(), {
    logger,
    bodyParser: false,
    abortOnError: false,
  });
  installHooks(
    app.getHttpAdapter().getInstance(),
    config,
    app.get(ApiKeys),
    app.get(HttpFigures),
    app.get(Audit),
    app.get(DirectRoutes),
  );
  serveOpenApi(app);
  return app;
}

/** Listens, then recovers what the process before left; the service is ready when this resolves. Returns its URL. */
export async function startService(app: NestFastifyApplication, config: Config): Promise<string> {
  await app.listen(config.addr.port, config.addr.host);
  const { address, family, port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  await app.get(RecoveryService).run();
  app.get(Narrator).tell(`Listening on ${url}.`, { event: 'listening', url, pid: process.pid });
  return url;
}

/** Lets running streams end within their grace, leaves the rest to the next start, and closes everything. */
export async function stopService(app: NestFastifyApplication): Promise<void> {
  await app.get(ShutdownService).drain();
  await app.close();
}
