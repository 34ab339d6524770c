import { Module } from '@nestjs/common';
import { DeterministicAdapter } from './deterministic/deterministic.adapter';
import { EngineDetector } from './detection/engine-detector';
import { EngineRegistry } from './engine-registry';
import { LlamacppAdapter } from './llamacpp/llamacpp.adapter';
import { OllamaAdapter } from './ollama/ollama.adapter';
import { OpenaiAdapter } from './openai/openai.adapter';
import { SglangAdapter } from './sglang/sglang.adapter';
import { TgiAdapter } from './tgi/tgi.adapter';
import { TritonAdapter } from './triton/triton.adapter';
import { VllmAdapter } from './vllm/vllm.adapter';
import { EngineHttp } from './wire/engine-http';

const adapters = [
  LlamacppAdapter,
  OpenaiAdapter,
  VllmAdapter,
  SglangAdapter,
  OllamaAdapter,
  TgiAdapter,
  TritonAdapter,
  DeterministicAdapter,
];

/** All adapters. A new one is a folder beside the others and a word here. */
@Module({
  providers: [
    EngineHttp,
    EngineDetector,
    ...adapters,
    {
      provide: EngineRegistry,
      useFactory: (...made: ConstructorParameters<typeof EngineRegistry>[0]) => new EngineRegistry(made),
      inject: adapters,
    },
  ],
  exports: [EngineDetector, EngineRegistry],
})
export class EnginesModule {}
