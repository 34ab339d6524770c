import { Module } from '@nestjs/common';
import { DeterministicAdapter } from './deterministic/deterministic.adapter';
import { EngineRegistry } from './engine-registry';
import { LlamacppAdapter } from './llamacpp/llamacpp.adapter';
import { EngineHttp } from './wire/engine-http';

/** All adapters. A new one is a folder beside the others and two words here. */
@Module({
  providers: [
    EngineHttp,
    LlamacppAdapter,
    DeterministicAdapter,
    {
      provide: EngineRegistry,
      useFactory: (...adapters: ConstructorParameters<typeof EngineRegistry>[0]) => new EngineRegistry(adapters),
      inject: [LlamacppAdapter, DeterministicAdapter],
    },
  ],
  exports: [EngineRegistry],
})
export class EnginesModule {}
