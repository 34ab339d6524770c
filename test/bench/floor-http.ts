import 'reflect-metadata';
import {
  Body,
  Controller,
  HttpCode,
  Injectable,
  Module,
  Post,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import fastify from 'fastify';
import { CreateTaskDto } from '../../src/tasks/admission/create-task.dto';
import { sayReady } from './child-server';

/*
 * What answering a POST costs before anything is done for it. Argument: `fastify` bare; `nest` with one guard and one
 * interceptor; `nest-validating`, which also validates the body as Nest's own pipe does.
 */

const [kind = 'fastify'] = process.argv.slice(2);
const ANSWER = {
  task_id: '01999999-9999-7999-9999-999999999999',
  queue_position: 12,
  predicted_start_ms: 1200,
  backoff_ms: null,
  streams: { events: '/v2/tasks/01999999-9999-7999-9999-999999999999/events' },
  preparation: { steps: [] },
};

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<FastifyRequest>().headers['x-api-key'] !== undefined;
  }
}

@Injectable()
class PassingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    return next.handle();
  }
}

@Controller('v2/tasks')
@UseGuards(KeyGuard)
@UseInterceptors(PassingInterceptor)
class ConstantController {
  @Post()
  @HttpCode(202)
  answer(@Body() _body: CreateTaskDto): typeof ANSWER {
    return ANSWER;
  }
}

@Module({ controllers: [ConstantController] })
class FloorModule {}

async function main(): Promise<void> {
  if (kind === 'fastify') {
    const server = fastify();
    server.post('/v2/tasks', (_request, reply) => reply.code(202).send(ANSWER));
    return sayReady(Number(new URL(await server.listen({ port: 0, host: '127.0.0.1' })).port));
  }
  const app = await NestFactory.create<NestFastifyApplication>(FloorModule, new FastifyAdapter(), { logger: false });
  if (kind === 'nest-validating') app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  await app.listen(0, '127.0.0.1');
  sayReady(Number(new URL(await app.getUrl()).port));
}

void main();
