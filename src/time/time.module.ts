import { Global, Module } from '@nestjs/common';
import { Alarms } from './alarms';
import { Clock } from './clock';

/** Time for everybody: one clock, one set of alarms. */
@Global()
@Module({ providers: [Clock, Alarms], exports: [Clock, Alarms] })
export class TimeModule {}
