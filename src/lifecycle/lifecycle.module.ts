import { Module } from '@nestjs/common';
import { Lifecycle } from './lifecycle';

/** By itself, so that tasks and probes share one lifecycle without knowing each other. */
@Module({ providers: [Lifecycle], exports: [Lifecycle] })
export class LifecycleModule {}
