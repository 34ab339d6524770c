import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { deltaEvent, endEvent, errorEvent, tokenEvent } from '../../tasks/events/task-events';
import type { TaskEvent } from '../../tasks/task/task';
import { MessageStream } from './message-stream';
import { MessageSum } from './message-sum';

const facts = { id: 'msg_1', model: 'the "model"', showsThinking: true };
const times = { decode_time_ms: 1, decode_ms: 1 };
const end = (finish = 'stop') =>
  endEvent({ tokens_in: 9, tokens_cached: 4, tokens_out: 3, ...times, finish_reason: finish });
const delta = (delta: object, more: object = {}) => deltaEvent(JSON.stringify([{ index: 0, delta, ...more }]));
const call = (index: number, members: object) => delta({ tool_calls: [{ index, ...members }] });

interface Told {
  readonly type: string;
  readonly [member: string]: unknown;
}

function told(events: readonly TaskEvent[], stream = new MessageStream(facts, () => undefined)): Told[] {
  const frames = (stream.opening() + events.map(event => stream.of(event)).join('')).split('\n\n');
  expect(frames.pop()).toBe('');
  return frames.map(frame => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
    const event = JSON.parse(data ?? '') as Told;
    expect(event.type).toBe(name);
    return event;
  });
}

function sumOf(events: readonly TaskEvent[]): Told {
  const sum = new MessageSum(facts);
  for (const event of events) sum.take(event);
  return sum.answer() as Told;
}

const usage = {
  input_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 4,
  output_tokens: 3,
};

/** Puts a message together as its clients do. */
function joined(events: readonly Told[]): unknown[] {
  const blocks: Record<string, unknown>[] = [];
  for (const { type, index, content_block: block, delta: grown } of events) {
    if (type === 'content_block_start') blocks[index as number] = { ...(block as object), text: '' };
    if (type !== 'content_block_delta') continue;
    const { text, thinking, partial_json: json } = grown as Record<string, string | undefined>;
    const known = blocks[index as number];
    if (known) known['text'] = String(known['text']) + (text ?? thinking ?? json ?? '');
  }
  return blocks.map(({ type, name, text }) => [type, name, text]);
}

describe('a message (B-ANT-002)', () => {
  it('begins, tells its text, and ends with why and what it used', () => {
    expect(told([tokenEvent(0, 'a "\n'), tokenEvent(1, 'b'), end('length')])).toEqual([
      {
        type: 'message_start',
        message: {
          ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'the "model"', content: [] },
          ...{ stop_reason: null, stop_sequence: null },
          usage: { ...usage, input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a "\n' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'b' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage },
      { type: 'message_stop' },
    ]);
  });

  const mixed = [
    delta({ reasoning_content: 'hm' }),
    tokenEvent(0, 'so'),
    call(0, { id: 'c0', type: 'function', function: { name: 'f', arguments: '{"a"' } }),
    call(0, { function: { arguments: ':1}' } }),
    call(1, { id: 'c1', type: 'function', function: { name: 'g', arguments: '' } }),
    end(),
  ];

  it('has thoughts, text and calls as blocks, streamed or whole', () => {
    expect(joined(told(mixed))).toEqual([
      ['thinking', undefined, 'hm'],
      ['text', undefined, 'so'],
      ['tool_use', 'f', '{"a":1}'],
      ['tool_use', 'g', ''],
    ]);
    expect(sumOf(mixed)).toMatchObject({
      id: 'msg_1',
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'text', text: 'so' },
        { type: 'tool_use', id: 'c0', name: 'f', input: { a: 1 } },
        { type: 'tool_use', id: 'c1', name: 'g', input: {} },
      ],
      stop_reason: 'tool_use',
      usage,
    });
  });

  it('leaves thoughts out where they are not wanted', () => {
    const silent = { ...facts, showsThinking: false };
    expect(
      joined(told([delta({ reasoning_content: 'hm' }), tokenEvent(0, 'a'), end()], new MessageStream(silent, () => 7))),
    ).toEqual([['text', undefined, 'a']]);
  });

  it('names the stop sequence that ended it, where the engine does', () => {
    const events = [tokenEvent(0, 'a'), delta({}, { stop_reason: 'END' }), end()];
    const stop = { stop_reason: 'stop_sequence', stop_sequence: 'END' };
    expect(told(events).at(-2)).toMatchObject({ delta: stop });
    expect(sumOf(events)).toMatchObject(stop);
  });

  it('says how much was read where that is known at the start', () => {
    expect(told([], new MessageStream(facts, () => 7))[0]).toMatchObject({ message: { usage: { input_tokens: 7 } } });
  });

  it('ends with an error where its task does (B-ANT-005)', () => {
    const lost = errorEvent(new ServiceError('WORKER_RESET', { message: 'gone' }));
    expect(told([tokenEvent(0, 'a'), lost]).at(-1)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'gone' },
    });
    expect(() => sumOf([tokenEvent(0, 'a'), lost])).toThrow('gone');
  });

  it('ends with an error where the engine goes back to a call that is over', () => {
    const events = told([
      call(0, { id: 'c0', function: { name: 'f', arguments: '{' } }),
      call(1, { id: 'c1', function: { name: 'g', arguments: '{}' } }),
      call(0, { function: { arguments: '}' } }),
      end(),
    ]);
    expect(events.at(-1)?.type).toBe('error');
  });

  it('shows a call that was cut off as it is', () => {
    const events = [call(0, { id: 'c', function: { name: 'f', arguments: '{"a' } }), end('length')];
    expect(sumOf(events)).toMatchObject({ content: [{ input: { INVALID_JSON: '{"a' } }], stop_reason: 'max_tokens' });
  });
});
