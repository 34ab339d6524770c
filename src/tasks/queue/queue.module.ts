import { Module } from '@nestjs/common';
import { MemoryTaskQueue } from '../../storage/memory/task-queue.memory';
import { TaskQueue } from './task-queue.port';

/** The queue by itself, so that pools can show its depth without knowing the rest of a task's way. */
@Module({ providers: [{ provide: TaskQueue, useClass: MemoryTaskQueue }], exports: [TaskQueue] })
export class QueueModule {}
