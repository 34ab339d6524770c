import { Global, Module } from '@nestjs/common';
import { Alarms } from './alarms';
import { Clock } from './clock';
import { TurnEnd } from './turn-end';

/** Time for everybody: one clock, one set of alarms. */
@Global()
@Module({ providers: [Clock, Alarms, TurnEnd], exports: [Clock, Alarms, TurnEnd] })
export class TimeModule {}
