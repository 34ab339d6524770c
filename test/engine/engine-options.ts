import type { FaultSettings } from './faults';
import { vocabulary as ordinaryWords } from './vocabulary';

export const wireNames = ['llamacpp', 'openai', 'vllm', 'sglang', 'ollama', 'tgi', 'triton'] as const;
export const servings = ['text', 'embeddings', 'rerank'] as const;
export type Serves = (typeof servings)[number];

export type WireName = (typeof wireNames)[number];

/** Everything that can be chosen about a stand-in engine at its start. */
export interface EngineSettings {
  /** Whose API it speaks. */
  readonly wire: WireName;
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  /** Sequences generated at the same time; further requests wait their turn. In router mode: of each model. */
  readonly slots: number;
  /** Of one sequence; 0 generates as fast as the reader takes it. */
  readonly tokensPerSecond: number;
  /** Time between taking a slot and the first token, whatever the prompt. */
  readonly prefillMs: number;
  /** Tokens of each prompt that are said to come from the cache. */
  readonly cachedTokens: number;
  /** See `Controls`; llama.cpp's is 1000. */
  readonly noticeMs: number;
  /** After so long without work the model goes out of memory; 0: never. Not in router mode. */
  readonly sleepIdleMs: number;
  /** Context of one slot. */
  readonly ctxTokens: number;
  /** The model's name where there is one only: its first alias. */
  readonly model: string;
  /** Its further aliases. */
  readonly aliases: readonly string[];
  /** The path of its file; as the server does, the name where none is told. */
  readonly modelPath?: string;
  /** What its model is for, where an engine serves one kind of work at a time. */
  readonly serves: Serves;
  /** The model thinks: so many tokens of that before each answer to a chat. */
  readonly reasoningTokens: number;
  /** SGLang's `--incremental-streaming-output`: natively it streams pieces, not everything so far. */
  readonly incremental: boolean;
  /** The model takes images. */
  readonly vision: boolean;
  /** The member of OpenAI's chats in which that is shown, where the server is a plain one of that API; undefined: it is not. */
  readonly reasoningField?: string;
  /** A stream says something in each silence of that length, where the engine has words for it; 0: never. */
  readonly keepAliveMs: number;
  /** Requests that may run and wait; further ones are refused. 0: no bound. */
  readonly maxRequests: number;
  /** At the start, the time during which the server says that it is loading; in router mode, the time a model takes to load. */
  readonly loadMs: number;
  /** The models of router mode and of Ollama; empty: one model, always loaded but with Ollama. */
  readonly routerModels: readonly string[];
  /** It speaks as older versions of the engine did, where that is known. */
  readonly old: boolean;
  /** How many of them it loads at most, as `/props` says; it does not keep to that. */
  readonly maxInstances: number;
  /** Those of them whose process dies while it loads. */
  readonly brokenModels: readonly string[];
  /** As llama.cpp's `--api-key`: every route but the health wants it. */
  readonly apiKey?: string;
  /** Whether slots can be erased, as with llama.cpp's `--slot-save-path`. */
  readonly slotActions: boolean;
  readonly faults: FaultSettings;
  /** How many of the last requests are kept with their bodies. */
  readonly requestsKept: number;
  readonly handoff?: HandoffSettings;
  /** The texts that tokens are drawn from. */
  readonly vocabulary: readonly string[];
  /** What `exit-after` does. The command kills its process; in-process the engine drops its sockets and its port. */
  readonly die?: () => void;
}

/** Where to announce the engine, and as what. */
export interface HandoffSettings {
  readonly dir: string;
  readonly poolId: string;
  readonly replicaId: string;
}

export const defaultSettings: EngineSettings = {
  wire: 'llamacpp',
  host: '127.0.0.1',
  port: 0,
  slots: 4,
  tokensPerSecond: 40,
  prefillMs: 0,
  cachedTokens: 0,
  noticeMs: 0,
  sleepIdleMs: 0,
  ctxTokens: 4096,
  model: 'tiny.gguf',
  aliases: [],
  serves: 'text',
  reasoningTokens: 0,
  vision: false,
  incremental: false,
  maxRequests: 0,
  keepAliveMs: 0,
  old: false,
  loadMs: 0,
  routerModels: [],
  maxInstances: 4,
  brokenModels: [],
  slotActions: false,
  faults: {},
  requestsKept: 50,
  vocabulary: ordinaryWords,
};
