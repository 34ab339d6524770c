import { lookup } from 'node:dns';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { TimeModule } from '../time/time.module';
import { EngineConnectPolicy } from './engine-connect';
import { EngineKeys } from './engine-keys';
import { EngineRegistry } from './engine-registry';
import { EnginesModule } from './engines.module';

@Global()
@Module({
  providers: [
    { provide: EngineConnectPolicy, useValue: { lookup } },
    { provide: EngineKeys, useValue: { known: () => ({ headers: {} }) } },
  ],
  exports: [EngineConnectPolicy, EngineKeys],
})
class PolicyModule {}

describe('EnginesModule', () => {
  it('offers every engine by its name', async () => {
    const module = await Test.createTestingModule({ imports: [TimeModule, PolicyModule, EnginesModule] }).compile();
    const registry = module.get(EngineRegistry);
    expect(registry.names()).toEqual([
      'llamacpp',
      'openai',
      'vllm',
      'sglang',
      'ollama',
      'tgi',
      'triton',
      'deterministic',
    ]);
    for (const name of registry.names()) expect(registry.find(name)?.engine).toBe(name);
    expect(registry.find('other')).toBeUndefined();
    await module.close();
  });

  it('does not start where nobody says which addresses may be connected to', async () => {
    const module = Test.createTestingModule({ imports: [TimeModule, EnginesModule] });
    await expect(module.compile()).rejects.toThrow('EngineConnectPolicy');
  });
});
