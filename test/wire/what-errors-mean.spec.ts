import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { EngineAdapter, EngineRequest } from '../../src/engines/engine-adapter.port';
import { LlamacppAdapter } from '../../src/engines/llamacpp/llamacpp.adapter';
import { OllamaAdapter } from '../../src/engines/ollama/ollama.adapter';
import { SglangAdapter } from '../../src/engines/sglang/sglang.adapter';
import { TgiAdapter } from '../../src/engines/tgi/tgi.adapter';
import { TritonAdapter } from '../../src/engines/triton/triton.adapter';
import { VllmAdapter } from '../../src/engines/vllm/vllm.adapter';
import type { ErrorCode } from '../../src/errors/catalogue';
import { adapterOf, chatRequest, collect, engineRequest, targetAt } from './adapter-under-test';
import { recordingOf, replayServer, type ReplayServer } from './replay-server';

/*
 * What each recorded failure means, whatever its status says: whose fault it is, and so whether it is tried elsewhere. vLLM says 500 while it
 * stops and 200 over a dead engine, SGLang and TGI put refusals into a 200, llama.cpp and Ollama call a client's fault a 500, Triton a model's a 400.
 */

const kinds = {
  vllm: adapterOf(VllmAdapter),
  sglang: adapterOf(SglangAdapter),
  ollama: adapterOf(OllamaAdapter),
  llamacpp: adapterOf(LlamacppAdapter),
  tgi: adapterOf(TgiAdapter),
  triton: adapterOf(TritonAdapter),
} as const satisfies Readonly<Record<string, { readonly adapter: EngineAdapter; close(): Promise<void> }>>;
type Kind = keyof typeof kinds;

/** By engine and code, names of recordings; with `=` the field that the error names. */
const meanings: Readonly<Record<Kind, Readonly<Partial<Record<ErrorCode, readonly string[]>>>>> = {
  vllm: {
    INVALID_PARAMS: [
      'chat-tool-named-unknown=tool_choice completion-empty-prompt=prompt error-empty-messages',
      'error-extra-reasoning-effort=reasoning_effort error-image-part error-max-tokens-too-large=max_tokens',
      'error-max-tokens-zero=max_tokens error-missing-messages=messages error-n-greedy error-n-zero',
      'error-prompt-too-long=input_tokens error-prompt-too-long-stream=input_tokens error-seed=seed',
      'error-stream-options-without-stream=stream_options error-temperature=temperature',
      'error-temperature-negative=temperature error-tools-empty=tools error-top-logprobs-30=logprobs',
      'error-top-p=top_p pooling-embeddings-empty pooling-embeddings-empty-list',
      'pooling-embeddings-too-long=input_tokens pooling-rerank-empty',
    ],
    ENGINE_BUSY: ['error-queue-full error-queue-full-stream'],
    WORKER_RESET: [
      'chat-plain-engine-killed chat-stream-engine-killed chat-stream-killed chat-stream-queued-engine-killed',
      'chat-stream-sigterm',
    ],
    ENGINE_PROTOCOL: [
      'embeddings-unsupported error-unknown-model error-unknown-model-stream pooling-chat-unsupported',
      'rerank-v1-unsupported',
    ],
  },
  sglang: {
    INVALID_PARAMS: ['openai-chat-empty-messages openai-chat-stream-too-long'],
    ENGINE_BUSY: ['openai-chat-queue-full openai-chat-stream-queue-full'],
    WORKER_RESET: ['openai-chat-stream-failed-middle openai-chat-stream-aborted'],
    ENGINE_PROTOCOL: ['unauthorized'],
  },
  ollama: {
    INVALID_PARAMS: [
      'chat-format-bad chat-format-bad-schema-stream chat-missing-model chat-think-unsupported',
      'chat-too-long-no-truncate chat-too-long-no-truncate-stream chat-tools-unsupported embed-too-long',
      'generate-bad-json generate-empty-body keep-alive-bad options-bad-num-predict options-bad-type',
    ],
    ENGINE_BUSY: ['queue-full'],
    MODEL_LOAD_FAILED: ['chat-unknown-model embed-unknown generate-missing-model generate-unknown-model load-fails'],
    WORKER_RESET: ['chat-runner-killed chat-runner-killed-plain generate-runner-killed generate-server-killed'],
  },
  llamacpp: {
    INVALID_PARAMS: [
      'chat-content-part-bad chat-response-format-bad chat-too-long-stream chat-tool-choice-bad chat-tools-bad',
      'embeddings-empty-list embeddings-encoding-bad embeddings-too-long embeddings-unsupported',
      'rerank-unsupported',
    ],
    WORKER_RESET: ['chat-error-in-stream chat-error-plain chat-stream-killed completion-error-in-stream'],
  },
  tgi: {
    INVALID_PARAMS: ['generate-bad-json generate-missing-inputs generate-too-long stream-bad-param'],
    ENGINE_BUSY: ['generate-overloaded openai-chat-overloaded openai-chat-stream-overloaded stream-overloaded'],
    WORKER_RESET: [
      'generate-backend-failed openai-chat-stream-failed-middle stream-failed-middle stream-incomplete',
      'stream-killed',
    ],
    ENGINE_PROTOCOL: ['generate-unauthorized'],
  },
  triton: {
    INVALID_PARAMS: [
      'generate-bad-json generate-empty-body generate-missing-input-unknown-field generate-unknown-field-list',
    ],
    ENGINE_BUSY: ['generate-queue-full generate-queue-timeout'],
    MODEL_LOAD_FAILED: [
      'generate-model-failed-to-load generate-unknown-model generate-unknown-version generate-unloaded-model',
    ],
    WORKER_RESET: [
      'generate-stream-after-model-process-died generate-stream-fail-first generate-stream-fail-middle',
      'generate-stream-killed generate-stream-model-process-died generate-stream-raise-middle',
      'generate-stream-sigterm-short-timeout',
    ],
  },
};

const cases = Object.entries(meanings).flatMap(([kind, codes]) =>
  Object.entries(codes).flatMap(([code, lines]) =>
    lines
      .flatMap(line => line.split(' '))
      .map(word => {
        const [name = '', field] = word.split('=');
        return [kind as Kind, name, code, field] as const;
      }),
  ),
);

/** One to which the recording may be an answer. */
function requestOf(name: string): EngineRequest {
  const model = 'm';
  if (name.includes('embed')) return engineRequest({ model, work: { operation: 'embedding', body: { input: 'x' } } });
  const ranks = { query: 'x', documents: ['a'] };
  if (name.includes('rerank')) return engineRequest({ model, work: { operation: 'rerank', body: ranks } });
  return name.includes('chat') || name.startsWith('error') ? chatRequest({ model }) : engineRequest({ model });
}

let server: ReplayServer;
afterEach(() => server.close());
afterAll(() => Promise.all(Object.values(kinds).map(({ close }) => close())));

describe('a recorded failure', () => {
  it.each(cases)('of %s, %s, is %s', async (kind, name, code, field) => {
    server = await replayServer(socket => void socket.end(recordingOf(kind, name)));
    const { error } = await collect(kinds[kind].adapter.run(targetAt(server.url), requestOf(name)));
    expect([error?.code, error?.details.field, error?.details.engine ?? kind]).toEqual([code, field, kind]);
    // No path, stack or second line of another's.
    expect(error?.message).not.toMatch(/[\r\n]|\.py\b|Traceback/);
  });
});
