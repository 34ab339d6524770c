import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { EngineEvent } from '../../engine-adapter.port';
import { LlamaChunkFormat } from '../../llamacpp/chat-format';
import { ChunkFormat } from './chunk-format';

const vllm = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_795_646_864, model: 'tiny' };
const llama = { created: 1_795_648_414, id: 'chatcmpl-Y', model: 'tiny', system_fingerprint: 'b1-de3ff81' };
/** A piece of text as each engine sends it (see the recordings in test/wire). */
const shapes: readonly ((content: unknown, second: number) => object)[] = [
  content => ({
    ...vllm,
    choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null, token_ids: null }],
  }),
  (content, second) => ({
    choices: [{ finish_reason: null, index: 0, delta: { content } }],
    ...llama,
    created: llama.created + second,
    object: vllm.object,
  }),
  content => ({
    ...vllm,
    choices: [
      {
        index: 0,
        delta: { reasoning_content: null, content },
        logprobs: null,
        finish_reason: null,
        matched_stop: null,
      },
    ],
  }),
  content => ({ ...vllm, choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] }),
  content => ({ ...vllm, choices: [{ index: 0, text: content, logprobs: null, finish_reason: null }] }),
  // What is more than text, or tells of more than its choices.
  content => ({ ...vllm, choices: [{ index: 0, delta: { reasoning_content: content }, finish_reason: null }] }),
  content => ({ ...vllm, choices: [{ index: 0, delta: { content }, finish_reason: 'length' }] }),
  content => ({ ...vllm, choices: [{ index: 1, delta: { content }, finish_reason: null }] }),
  content => ({ ...vllm, choices: [{ index: 0, delta: { content, note: content }, finish_reason: null }] }),
  (content, second) => ({
    ...vllm,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    usage: { prompt_tokens: 3, completion_tokens: second },
  }),
  (content, second) => ({
    ...vllm,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    timings: { prompt_ms: second, predicted_ms: 2 * second },
  }),
  content => ({ ...vllm, choices: [null], content }),
  content => ({ ...vllm, error: content, choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
];

const content = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', ' the', 'index', 'tiny', 'content', 'é', '回', '{', '.') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '"', '\\', '\n', '\ud800', null, 5, ['a'], '","role":"user', 'x'.repeat(20_000)),
  },
);
const spoil = fc.tuple(
  fc.nat(),
  fc.nat({ max: 6 }),
  fc.constantFrom('"', '\\', '\\"', '\\u0041', ',"content":"b"', ',"error":{"code":500}', '\n', ' ', '0', '{', ']'),
);
const rarely = fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: spoil });
const look = fc.record({
  shape: fc.nat({ max: shapes.length - 1 }),
  second: fc.nat({ max: 2 }),
  model: fc.constantFrom('tiny', 'a'),
  isSpaced: fc.boolean(),
});
/** Frames of a look or two, as they come, and now and then one in which something was put, taken out or exchanged. */
const looksOfOne = fc.tuple(look, fc.oneof(look, fc.record({ model: fc.constantFrom('a', ' the') })));
const stream = looksOfOne
  .map(([one, other]) => [one, { ...one, ...other }])
  .chain(looks =>
    fc.array(
      fc.tuple(fc.constantFrom(...looks), content, rarely).map(([is, text, spoiled]) => {
        const value = { ...shapes[is.shape]?.(text, is.second), model: is.model };
        const data = is.isSpaced ? JSON.stringify(value, undefined, 1).replace(/\n */g, ' ') : JSON.stringify(value);
        if (!spoiled) return data;
        const [place, length, put] = spoiled;
        const at = place % (data.length + 1);
        return data.slice(0, at) + put + data.slice(at + length);
      }),
      { maxLength: 12, size: 'max' },
    ),
  );

type Read = (format: ChunkFormat, data: string, into: EngineEvent[]) => void;
const kinds = [ChunkFormat, LlamaChunkFormat];

/** What a format says of a stream, and of the counts at its end. */
function saidOf(read: Read, kind: number, operation: 'chat' | 'completion', frames: readonly string[]): unknown {
  const format = new (kinds[kind] ?? ChunkFormat)({ engine: 'e', operation, prompts: 1, choices: 1, echoChars: 0 });
  const events: EngineEvent[] = [];
  try {
    for (const data of frames) read(format, data, events);
    read(format, JSON.stringify({ choices: [{ index: 0, delta: {}, text: '', finish_reason: 'stop' }] }), events);
    format.read('[DONE]', events);
  } catch (thrown) {
    return [events, thrown];
  }
  return events;
}

describe('chunks of a shape that was seen before', () => {
  it('are read as if they had been parsed, whatever they are and whatever came before', () => {
    fc.assert(
      fc.property(stream, fc.nat({ max: 1 }), fc.constantFrom('chat', 'completion'), (frames, kind, operation) => {
        const short = saidOf((format, data, into) => format.read(data, into), kind, operation, frames);
        const long = saidOf((format, data, into) => format.readParsed(data, into), kind, operation, frames);
        expect(short).toEqual(long);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([0, 1, 2, 3])('are not parsed, once one of them was: shape %s', shape => {
    const format = new ChunkFormat({ engine: 'e', operation: 'chat', prompts: 1, choices: 1, echoChars: 0 });
    const events: EngineEvent[] = [];
    // Of the first the text stands elsewhere too: nothing is learned from it.
    for (const text of ['index', ' the']) format.read(JSON.stringify(shapes[shape]?.(text, 0)), events);
    const parsed = vi.spyOn(format, 'readParsed');
    const texts = Array.from({ length: 100 }, (_, number) => `#${number} é`);
    for (const text of texts) format.read(JSON.stringify(shapes[shape]?.(text, 0)), events);
    expect(events.map(event => event.kind === 'token' && event.text)).toEqual(['index', ' the', ...texts]);
    expect(parsed).not.toHaveBeenCalled();
  });

  it('are no longer looked for in a stream where each has something of its own', () => {
    const format = new ChunkFormat({ engine: 'e', operation: 'chat', prompts: 1, choices: 1, echoChars: 0 });
    const events: EngineEvent[] = [];
    const parse = vi.spyOn(JSON, 'parse');
    for (let second = 0; second < 100; second++) format.read(JSON.stringify(shapes[1]?.('a', second)), events);
    const parses = parse.mock.calls.length;
    parse.mockRestore();
    expect(events).toHaveLength(100);
    expect(parses).toBe(108);
  });

  it('say nothing where a choice is null', () => {
    const format = new ChunkFormat({ engine: 'e', operation: 'chat', prompts: 1, choices: 1, echoChars: 0 });
    const events: EngineEvent[] = [];
    format.read('{"choices":[null]}', events);
    expect(events).toEqual([]);
  });
});
