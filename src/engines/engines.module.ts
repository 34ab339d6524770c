import { Module } from '@nestjs/common';
import { DeterministicAdapter } from './deterministic/deterministic.adapter';
import { EngineRegistry } from './engine-registry';
import { LlamacppAdapter } from './llamacpp/llamacpp.adapter';
import { OpenaiAdapter } from './openai/openai.adapter';
import { VllmAdapter } from './vllm/vllm.adapter';
import { EngineHttp } from './wire/engine-http';

const adapters = [LlamacppAdapter, OpenaiAdapter, VllmAdapter, DeterministicAdapter];

/** All adapters. A new one is a folder beside the others and a word here. */
@Module({
  providers: [
    EngineHttp,
    ...adapters,
    {
      provide: EngineRegistry,
      useFactory: (...made: ConstructorParameters<typeof EngineRegistry>[0]) => new EngineRegistry(made),
      inject: adapters,
    },
  ],
  exports: [EngineRegistry],
})
export class EnginesModule {}
