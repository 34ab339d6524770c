import type { EngineAdapter, EngineRequest } from '../../src/engines/engine-adapter.port';
import { LlamacppAdapter } from '../../src/engines/llamacpp/llamacpp.adapter';
import { OllamaAdapter } from '../../src/engines/ollama/ollama.adapter';
import { OpenaiAdapter } from '../../src/engines/openai/openai.adapter';
import { SglangAdapter } from '../../src/engines/sglang/sglang.adapter';
import { TgiAdapter } from '../../src/engines/tgi/tgi.adapter';
import { TritonAdapter } from '../../src/engines/triton/triton.adapter';
import { VllmAdapter } from '../../src/engines/vllm/vllm.adapter';
import type { EngineHttp } from '../../src/engines/wire/engine-http';
import type { Clock } from '../../src/time/clock';
import { chatRequest, engineRequest } from './adapter-under-test';
import { recordedBytes, recordingOf } from './replay-server';

/** What an adapter is asked, and the whole response that the engine gives. */
export interface Exchange {
  readonly request: EngineRequest;
  readonly answer: Buffer;
}

/** Why a case is not one of an engine. */
export interface Hole {
  readonly hole: string;
}

/** One way of one adapter to have text made, and everything that can come of it. */
export interface Subject {
  readonly name: string;
  readonly Adapter: new (http: EngineHttp, clock: Clock) => EngineAdapter;
  readonly contentType: string;
  /** A frame with this text, and what ends a good stream; an engine whose streams have no mark of an end has none. */
  frame(text: string): string;
  readonly last: string;
  readonly request: EngineRequest;
  /** Where these stand in the body that is sent. */
  readonly stop: string;
  readonly seed: string;
  readonly stream: Exchange & { readonly text: string };
  readonly usage: (Exchange & { readonly tokensIn?: number; readonly tokensOut: number }) | Hole;
  readonly tooLong: Exchange | Hole;
  readonly badRequest: Exchange;
  readonly busy: Exchange | Hole;
  readonly errorIn200: (Exchange & { readonly code: string }) | Hole;
  readonly killed: Exchange | Hole;
  readonly tools: (Exchange & { readonly calls: readonly string[] }) | Hole;
  readonly reasoning: (Exchange & { readonly begins: string }) | Hole;
  readonly embeddings: Exchange | Hole;
  readonly rerank: Exchange | Hole;
}

const chat = chatRequest({ model: 'm' });
const completion = engineRequest({ model: 'm' });
const embedding = engineRequest({
  model: 'm',
  work: { operation: 'embedding', body: { input: ['hello', 'two words'] } },
});
const ranking = engineRequest({
  model: 'm',
  work: { operation: 'rerank', body: { query: 'red', documents: ['a rose', 'a brick', 'a sea'] } },
});
const at = (request: EngineRequest, engine: string, name: string): Exchange => ({
  request,
  answer: recordingOf(engine, name),
});

const chunk = (choice: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;
const chatFrames = {
  contentType: 'text/event-stream',
  frame: (text: string) => chunk({ delta: { content: text }, finish_reason: null }),
  last: `${chunk({ delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n`,
  request: chat,
  stop: 'stop',
  seed: 'seed',
};

const vllm: Omit<Subject, 'name' | 'Adapter'> = {
  ...chatFrames,
  stream: { ...at(chat, 'vllm', 'chat-stream-usage'), text: '########::\ufffdtial are cre' },
  usage: { ...at(chat, 'vllm', 'chat-stream-usage'), tokensIn: 13, tokensOut: 6 },
  tooLong: at(chat, 'vllm', 'error-prompt-too-long-stream'),
  badRequest: at(chat, 'vllm', 'error-temperature'),
  busy: at(chat, 'vllm', 'error-queue-full-stream'),
  errorIn200: { ...at(chat, 'vllm', 'chat-stream-engine-killed'), code: 'WORKER_RESET' },
  killed: at(chat, 'vllm', 'chat-stream-killed'),
  tools: { ...at(chat, 'vllm', 'chat-tool-required-two-stream'), calls: ['get_rain', 'get_rain'] },
  reasoning: { ...at(chat, 'vllm', 'chat-reasoning-stream'), begins: '' },
  embeddings: at(embedding, 'vllm', 'pooling-embeddings-list'),
  rerank: at(ranking, 'vllm', 'pooling-rerank'),
};

const rerankOnly = 'no route for it';

export const subjects: readonly Subject[] = [
  { name: 'openai', Adapter: OpenaiAdapter, ...vllm },
  { name: 'vllm', Adapter: VllmAdapter, ...vllm },
  {
    name: 'sglang',
    Adapter: SglangAdapter,
    ...chatFrames,
    stream: { ...at(chat, 'sglang', 'openai-chat-stream-usage'), text: ' Paris is the capital' },
    usage: { ...at(chat, 'sglang', 'openai-chat-stream-usage'), tokensIn: 5, tokensOut: 4 },
    tooLong: at(chat, 'sglang', 'openai-chat-stream-too-long'),
    badRequest: at(chat, 'sglang', 'openai-chat-empty-messages'),
    busy: at(chat, 'sglang', 'openai-chat-queue-full'),
    errorIn200: { ...at(chat, 'sglang', 'openai-chat-stream-queue-full'), code: 'ENGINE_BUSY' },
    killed: { hole: 'none was made from the sources; a cut stream looks as any other' },
    tools: { ...at(chat, 'sglang', 'openai-chat-stream-tool'), calls: ['get_weather'] },
    reasoning: { ...at(chat, 'sglang', 'openai-chat-stream-reasoning'), begins: '' },
    embeddings: { hole: 'no answer was made from the sources; the format is that of openai' },
    rerank: { hole: 'no answer was made from the sources; a bare list is tried in engine-probes.spec.ts' },
  },
  {
    name: 'llamacpp chat',
    Adapter: LlamacppAdapter,
    ...chatFrames,
    stream: { ...at(chat, 'llamacpp', 'chat-stream-usage'), text: '' },
    usage: { ...at(chat, 'llamacpp', 'chat-stream-usage'), tokensOut: 4 },
    tooLong: at(chat, 'llamacpp', 'chat-too-long-stream'),
    badRequest: at(chat, 'llamacpp', 'chat-image'),
    busy: { request: chat, answer: recordedBytes('health-loading') },
    errorIn200: { ...at(chat, 'llamacpp', 'chat-error-in-stream'), code: 'WORKER_RESET' },
    killed: at(chat, 'llamacpp', 'chat-stream-killed'),
    tools: { ...at(chat, 'llamacpp', 'chat-tools-stream'), calls: ['get_weather'] },
    reasoning: { ...at(chat, 'llamacpp', 'chat-think-stream'), begins: '' },
    embeddings: at(embedding, 'llamacpp', 'embeddings-several'),
    rerank: at(ranking, 'llamacpp', 'rerank'),
  },
  {
    name: 'llamacpp completion',
    Adapter: LlamacppAdapter,
    contentType: 'text/event-stream',
    frame: text => `data: ${JSON.stringify({ content: text, stop: false })}\n\n`,
    last: 'data: {"content":"","stop":true,"stop_type":"eos","tokens_predicted":2}\n\n',
    request: completion,
    stop: 'stop',
    seed: 'seed',
    stream: { request: completion, answer: recordedBytes('completion-stream'), text: ' Athe.Addr' },
    usage: { request: completion, answer: recordedBytes('completion-stream'), tokensIn: 2, tokensOut: 16 },
    tooLong: { request: completion, answer: recordedBytes('completion-too-long') },
    badRequest: { request: completion, answer: recordedBytes('completion-bad-param') },
    busy: { request: completion, answer: recordedBytes('health-loading') },
    errorIn200: { ...at(completion, 'llamacpp', 'completion-error-in-stream'), code: 'WORKER_RESET' },
    killed: { request: completion, answer: recordedBytes('completion-stream-killed') },
    tools: { hole: 'a completion has none' },
    reasoning: { hole: 'a completion has none' },
    embeddings: { hole: 'under llamacpp chat' },
    rerank: { hole: 'under llamacpp chat' },
  },
  {
    name: 'ollama chat',
    Adapter: OllamaAdapter,
    contentType: 'application/x-ndjson',
    frame: text => `${JSON.stringify({ model: 'm', message: { role: 'assistant', content: text }, done: false })}\n`,
    last: '{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":2}\n',
    request: chat,
    stop: 'options.stop.0',
    seed: 'options.seed',
    stream: { ...at(chat, 'ollama', 'chat-stream'), text: '보다 desarroll mediocre)}\n\n woo中华' },
    usage: { ...at(chat, 'ollama', 'chat-stream'), tokensIn: 18, tokensOut: 6 },
    tooLong: at(chat, 'ollama', 'chat-too-long-no-truncate-stream'),
    badRequest: at(chat, 'ollama', 'chat-format-bad-schema-stream'),
    busy: at(chat, 'ollama', 'queue-full'),
    errorIn200: { ...at(chat, 'ollama', 'chat-runner-killed'), code: 'WORKER_RESET' },
    killed: at(chat, 'ollama', 'generate-server-killed'),
    tools: { ...at(chat, 'ollama', 'chat-native-tools-stream'), calls: ['get_weather'] },
    reasoning: { ...at(chat, 'ollama', 'chat-think-stream'), begins: 'Two and two, so 4.\n' },
    embeddings: at(embedding, 'ollama', 'embed-batch'),
    rerank: { hole: rerankOnly },
  },
  {
    name: 'ollama completion',
    Adapter: OllamaAdapter,
    contentType: 'application/x-ndjson',
    frame: text => `${JSON.stringify({ model: 'm', response: text, done: false })}\n`,
    last: '{"model":"m","response":"","done":true,"done_reason":"stop","eval_count":2}\n',
    request: completion,
    stop: 'options.stop.0',
    seed: 'options.seed',
    stream: { ...at(completion, 'ollama', 'generate-stream'), text: 'Catalogreen Tea ApplicationException靶 GRE' },
    usage: { ...at(completion, 'ollama', 'generate-stream'), tokensIn: 18, tokensOut: 6 },
    tooLong: at(completion, 'ollama', 'chat-too-long-no-truncate-stream'),
    badRequest: at(completion, 'ollama', 'options-bad-type'),
    busy: at(completion, 'ollama', 'queue-full'),
    errorIn200: { ...at(completion, 'ollama', 'generate-runner-killed'), code: 'WORKER_RESET' },
    killed: at(completion, 'ollama', 'generate-server-killed'),
    tools: { hole: 'a completion has none' },
    reasoning: { hole: 'a completion has none: it is sent raw' },
    embeddings: { hole: 'under ollama chat' },
    rerank: { hole: rerankOnly },
  },
  {
    name: 'tgi completion',
    Adapter: TgiAdapter,
    contentType: 'text/event-stream',
    frame: text => `data: ${JSON.stringify({ index: 1, token: { text, special: false }, generated_text: null })}\n\n`,
    last: `data: ${JSON.stringify({
      index: 3,
      token: { text: '</s>', special: true },
      generated_text: 'ab',
      details: { finish_reason: 'eos_token', generated_tokens: 3, input_length: 6 },
    })}\n\n`,
    request: completion,
    stop: 'parameters.stop.0',
    seed: 'parameters.seed',
    stream: { ...at(completion, 'tgi', 'stream-eos'), text: ' Deep learning' },
    usage: { ...at(completion, 'tgi', 'stream-details'), tokensIn: 6, tokensOut: 4 },
    tooLong: at(completion, 'tgi', 'generate-too-long'),
    badRequest: at(completion, 'tgi', 'stream-bad-param'),
    busy: at(completion, 'tgi', 'generate-overloaded'),
    errorIn200: { ...at(completion, 'tgi', 'stream-overloaded'), code: 'ENGINE_BUSY' },
    killed: at(completion, 'tgi', 'stream-killed'),
    tools: { hole: 'a completion has none' },
    reasoning: { hole: 'TGI does not part it from the text' },
    embeddings: { hole: 'another server (TEI) has them' },
    rerank: { hole: 'another server (TEI) has it' },
  },
  {
    name: 'tgi chat',
    Adapter: TgiAdapter,
    ...chatFrames,
    stop: 'stop.0',
    stream: { ...at(chat, 'tgi', 'openai-chat-stream-eos'), text: ' Deep learning' },
    usage: { ...at(chat, 'tgi', 'openai-chat-stream-usage'), tokensOut: 4 },
    tooLong: at(chat, 'tgi', 'generate-too-long'),
    badRequest: at(chat, 'tgi', 'openai-chat-no-template'),
    busy: at(chat, 'tgi', 'openai-chat-overloaded'),
    errorIn200: { ...at(chat, 'tgi', 'openai-chat-stream-overloaded'), code: 'ENGINE_BUSY' },
    killed: { hole: 'none was made from the sources; a cut stream looks as any other' },
    tools: { ...at(chat, 'tgi', 'openai-chat-tool-stream'), calls: ['get_weather'] },
    reasoning: { hole: 'TGI does not part it from the text' },
    embeddings: { hole: 'another server (TEI) has them' },
    rerank: { hole: 'another server (TEI) has it' },
  },
  {
    name: 'triton',
    Adapter: TritonAdapter,
    contentType: 'text/event-stream',
    frame: text => `data: ${JSON.stringify({ model_name: 'm', model_version: '1', text_output: text })}\n\n`,
    last: '',
    request: completion,
    stop: '',
    seed: '',
    stream: { ...at(completion, 'triton', 'generate-stream'), text: 'w0 w1 w2 w3 ' },
    usage: { ...at(completion, 'triton', 'generate-stream'), tokensOut: 4 },
    tooLong: { hole: 'each model says it in its own words, or not at all' },
    badRequest: at(completion, 'triton', 'generate-missing-input-unknown-field'),
    busy: at(completion, 'triton', 'generate-queue-full'),
    errorIn200: { ...at(completion, 'triton', 'generate-stream-fail-middle'), code: 'WORKER_RESET' },
    killed: at(completion, 'triton', 'generate-stream-killed'),
    tools: { hole: 'it has no chat' },
    reasoning: { hole: 'it has no chat' },
    embeddings: { hole: 'models have tensors of their own for it' },
    rerank: { hole: 'models have tensors of their own for it' },
  },
];
