import 'reflect-metadata';
import {
  Body,
  Controller,
  HttpCode,
  Module,
  Post,
  Res,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CreateTaskDto } from '../../../src/tasks/admission/create-task.dto';
import { constantAdmission, constantHeaders } from './constant-admission';
import { serve } from './nest-server';
import { KeyGuard, PassingInterceptor } from './passing';

/** The route of nest.ts with Nest's own pipe before it, which checks the body against the service's DTO. */
@Controller('v2/tasks')
@UseGuards(KeyGuard)
@UseInterceptors(PassingInterceptor)
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
class ValidatingController {
  @Post()
  @HttpCode(202)
  submit(@Body() _body: CreateTaskDto, @Res({ passthrough: true }) reply: FastifyReply): object {
    void reply.headers(constantHeaders);
    return constantAdmission;
  }
}

@Module({ controllers: [ValidatingController] })
class ValidatingModule {}

void serve(ValidatingModule);
