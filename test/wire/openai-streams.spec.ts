import { describe, expect, it } from 'vitest';
import type { EngineEvent, EngineRequest } from '../../src/engines/engine-adapter.port';
import { frameDecoder } from '../../src/engines/wire/frame-decoder';
import { ChunkFormat } from '../../src/engines/wire/openai/chunk-format';
import { expectationOf } from '../../src/engines/wire/openai/openai-request';
import { parseHttpMessage } from '../support/http-message';
import { chatRequest, engineRequest } from './adapter-under-test';
import { recordedReply, toldReply } from './openai-replies';
import { faultsOf } from './openai-schemas';
import { recordingOf } from './replay-server';

/** Streams that end well: the engine, the recording, and the request where it is more than a plain chat. */
const streams: readonly (readonly [engine: string, name: string, request?: EngineRequest])[] = [
  ['vllm', 'chat-stream-usage'],
  ['vllm', 'chat-n2-stream', chatRequest({ body: { n: 2 } })],
  ['vllm', 'chat-stream-logprobs'],
  ['vllm', 'chat-stream-queued-keepalive'],
  ['vllm', 'chat-reasoning-stream'],
  ['vllm', 'chat-reasoning-cut-stream'],
  ['vllm', 'chat-tool-required-two-stream'],
  ['vllm', 'chat-tool-named-strict-stream'],
  ['vllm', 'chat-tool-auto-strict-stream'],
  ['vllm', 'chat-stop-string-stream'],
  ['vllm', 'chat-stream-usage-continuous'],
  ['vllm', 'completion-stream-usage', engineRequest()],
  ['vllm', 'completion-echo-stream', engineRequest({ body: { echo: true } })],
  ['vllm', 'completion-prompt-list-stream', engineRequest({ body: { prompt: ['a', 'b'] } })],
  ['sglang', 'openai-chat-stream'],
  ['sglang', 'openai-chat-stream-usage'],
  ['sglang', 'openai-chat-stream-reasoning'],
  ['sglang', 'openai-chat-stream-tool'],
  ['sglang', 'openai-completions-stream', engineRequest()],
  ['tgi', 'openai-chat-stream-usage'],
  ['tgi', 'openai-chat-stream-eos'],
  ['tgi', 'openai-completions-stream', engineRequest()],
  ['llamacpp', 'chat-stream-usage'],
  ['llamacpp', 'chat-progress-stream'],
  ['llamacpp', 'chat-logprobs-stream'],
  ['llamacpp', 'chat-think-stream'],
  ['llamacpp', 'chat-think-tools-stream'],
  ['llamacpp', 'chat-tools-stream'],
  ['llamacpp', 'chat-tools-parallel-stream'],
  ['llamacpp', 'chat-tools-cut-stream'],
  ['llamacpp', 'openai-completions-stream', engineRequest()],
];

/** The events of a response's body, given to the decoder in two pieces. */
function eventsOf(engine: string, request: EngineRequest, body: Buffer, cut: number): EngineEvent[] {
  const format = new ChunkFormat(expectationOf(engine, request));
  const events: EngineEvent[] = [];
  const fail = (text: string): never => {
    throw format.fault(text);
  };
  const decoder = frameDecoder('sse', format.maxFrameChars, data => format.read(data, events), fail);
  decoder.push(body.subarray(0, cut));
  decoder.push(body.subarray(cut));
  decoder.finish();
  if (events.at(-1)?.kind !== 'end') format.finish(events);
  return events;
}

/** A completion's chunk has the schema of a whole answer, in which a reason to end and logprobs are wanted. */
function isOfOlderForm(fault: string): boolean {
  return /\/choices\/\d+(\/finish_reason| must have required property 'logprobs')/.test(fault);
}

/** The one thing of an event that is made up: the id of a call that came without one. */
const isAlike = (events: readonly EngineEvent[]): string =>
  JSON.stringify(events).replace(/call_[0-9a-f]{32}/g, 'call_');

const cases = streams.map(([engine, name, request = chatRequest()]) => [engine, name, request] as const);

describe.each(cases)("%s's %s", (engine, name, request) => {
  const body = Buffer.from(parseHttpMessage(recordingOf(engine, name), true).body);
  const whole = eventsOf(engine, request, body, 0);
  const recorded = recordedReply(recordingOf(engine, name));
  const told = toldReply(whole);

  it('says what the recording says', () => {
    const choices = Object.entries(recorded.choices);
    for (const [index, choice] of choices) {
      const { finish: _finish, ...said } = told.choices[Number(index)] ?? {};
      const { finish, ...expected } = choice;
      expect(said).toEqual(expected);
      if (choices.length > 1) expect(told.choices[Number(index)]?.finish).toBe(finish);
    }
    expect(told.usage).toBeDefined();
    if (recorded.usage) {
      expect(told.usage?.tokensIn).toBe(recorded.usage.prompt_tokens);
      expect(told.usage?.tokensOut).toBe(recorded.usage.completion_tokens);
    }
    const [only] = choices;
    if (choices.length === 1) expect(told.usage?.rawFinishReason ?? told.usage?.finishReason).toBe(only?.[1].finish);
  });

  it('has the events of its plain text as tokens, and no delta that says nothing', () => {
    for (const event of whole) {
      expect(event).not.toEqual({ kind: 'token', text: '' });
      if (event.kind === 'delta') expect(event.data).not.toContain(':null,"role"');
    }
  });

  it('has deltas that are choices of a chunk by the specification', () => {
    const [object, schema] =
      request.work.operation === 'chat'
        ? ['chat.completion.chunk', 'CreateChatCompletionStreamResponse']
        : ['text_completion', 'CreateCompletionResponse'];
    for (const event of whole) {
      if (event.kind !== 'delta') continue;
      const choices = JSON.parse(event.data) as readonly object[];
      const chunk = { id: 'a', object, created: 1, model: 'm', choices };
      const faults = faultsOf(schema, chunk).filter(fault => !isOfOlderForm(fault));
      expect(faults, event.data).toEqual([]);
    }
  });

  it('is the same wherever it is cut', () => {
    const places = Array.from({ length: body.length }, (_, at) => at);
    // Every place of a short one; of a long one, every place at its beginning and its end, and many between.
    const looked = places.filter(at => body.length < 4000 || at < 800 || at > body.length - 800 || at % 97 === 0);
    for (const at of looked) expect(isAlike(eventsOf(engine, request, body, at)), `cut at ${at}`).toBe(isAlike(whole));
  });
});
