import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post, Res, UseGuards, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { constantAdmission, constantHeaders } from './constant-admission';
import { serve } from './nest-server';
import { KeyGuard, PassingInterceptor } from './passing';

/** What a Nest route on Fastify costs that has one guard and one interceptor and answers a constant. */
@Controller('v2/tasks')
@UseGuards(KeyGuard)
@UseInterceptors(PassingInterceptor)
class ConstantController {
  @Post()
  @HttpCode(202)
  submit(@Body() _body: object, @Res({ passthrough: true }) reply: FastifyReply): object {
    void reply.headers(constantHeaders);
    return constantAdmission;
  }
}

@Module({ controllers: [ConstantController] })
class ConstantModule {}

void serve(ConstantModule);
