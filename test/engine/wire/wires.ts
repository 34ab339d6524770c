import type { WireName } from '../engine-options';
import { llamacppWire } from './llamacpp/wire';
import { ollamaWire } from './ollama/wire';
import { openaiWire } from './openai/wire';
import { sglangWire } from './sglang/wire';
import { tgiWire } from './tgi/wire';
import { tritonWire } from './triton/wire';
import { vllmWire } from './vllm/wire';
import type { Wire } from './wire';

/** Every engine whose API the stand-in speaks. */
export const wires: Readonly<Record<WireName, Wire>> = {
  llamacpp: llamacppWire,
  openai: openaiWire,
  vllm: vllmWire,
  sglang: sglangWire,
  ollama: ollamaWire,
  tgi: tgiWire,
  triton: tritonWire,
};
