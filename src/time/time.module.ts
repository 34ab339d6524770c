import { Global, Module } from '@nestjs/common';
import { Alarms } from './alarms';
import { Clock } from './clock';
import { RunningTime } from './running-time';
import { TurnEnd } from './turn-end';

/** Time for everybody: one clock, one set of alarms, one time that outlives the process. */
@Global()
@Module({ providers: [Clock, Alarms, RunningTime, TurnEnd], exports: [Clock, Alarms, RunningTime, TurnEnd] })
export class TimeModule {}
