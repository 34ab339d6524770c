import { describe, expect, it } from 'vitest';
import { faultsOf, faultsOfEvent } from '../../../test/wire/openai-schemas';
import { ServiceError } from '../../errors/service-error';
import { deltaEvent, endEvent, errorEvent, tokenEvent } from '../../tasks/events/task-events';
import { seqAfterInterruption, type TaskEvent } from '../../tasks/task/task';
import { Clock } from '../../time/clock';
import { toResponseRequest } from '../requests/response-request';
import { NO_FRAMES, ResponseStream } from './response-stream';
import { replayOf } from './response-replay';
import type { ResponseEnd } from './response-facts';

const clock = Object.assign(new Clock(), { wallMs: () => 1_700_000_005_999 });
const taskId = '01a21687-9de7-779a-bd6e-d8d70853b527';
const factsWith = (more: object = {}) => ({
  id: `resp_${taskId}`,
  taskId,
  createdAt: 1_700_000_000,
  asked: toResponseRequest({ model: 'm', input: 'Hello', ...more }).asked,
});
const times = { decode_time_ms: 1, decode_ms: 1 };
const end = (finish = 'stop') =>
  endEvent({ tokens_in: 9, tokens_cached: 4, tokens_out: 3, ...times, finish_reason: finish });
const started: TaskEvent = { type: 'started', data: '{}' };
const delta = (delta: object, more: object = {}) => deltaEvent(JSON.stringify([{ index: 0, delta, ...more }]));
const call = (index: number, members: object) => delta({ tool_calls: [{ index, ...members }] });

interface Told {
  readonly type: string;
  readonly sequence_number: number;
  readonly delta?: string;
  readonly output_index?: number;
  readonly response?: ResponseEnd & { readonly status: string };
  readonly [member: string]: unknown;
}

function framesIn(text: string): Told[] {
  const frames = text.split('\n\n');
  expect(frames.pop()).toBe('');
  return frames.map(frame => {
    const [, name, data] = /^event: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
    const event = JSON.parse(data ?? '') as Told;
    expect(event.type).toBe(name);
    expect([event.type, faultsOfEvent(event)]).toEqual([event.type, []]);
    return event;
  });
}

function told(events: readonly TaskEvent[], more: object = {}, after?: number): Told[] {
  const stream = new ResponseStream(factsWith(more), clock, after);
  return framesIn(stream.opening() + events.map((event, at) => stream.of({ seq: at + 1, ...event })).join(''));
}

const mixed = [
  started,
  delta({ reasoning_content: 'h' }),
  delta({ reasoning_content: 'm' }),
  tokenEvent(0, 'so "\n'),
  tokenEvent(1, 'it is'),
  call(0, { id: 'c0', type: 'function', function: { name: 'f', arguments: '{"a"' } }),
  call(0, { function: { arguments: ':1}' } }),
  call(1, { id: 'c1', type: 'function', function: { name: 'g', arguments: '{}' } }),
  end('tool_calls'),
];

describe("a response's events (B-RSP-002)", () => {
  it('come in their order, each with the next number', () => {
    const events = told([tokenEvent(0, 'a "\n'), tokenEvent(1, 'b'), end()]);
    expect(events.map(({ type }) => type.slice('response.'.length))).toEqual([
      ...[
        'created',
        'in_progress',
        'output_item.added',
        'content_part.added',
        'output_text.delta',
        'output_text.delta',
      ],
      ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
    ]);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
    expect(events.at(-1)?.response).toMatchObject({
      id: `resp_${taskId}`,
      status: 'completed',
      output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'a "\nb' }] }],
      usage: { input_tokens: 9, input_tokens_details: { cached_tokens: 4 }, output_tokens: 3, total_tokens: 12 },
    });
    expect(faultsOf('Response', events.at(-1)?.response)).toEqual([]);
  });

  it('have all that strict clients look for: no output yet, a status of each item, logprobs of each delta', () => {
    const events = told([tokenEvent(0, 'a'), delta({ content: 'b' }), end()]);
    const [created, going, added, part, ...rest] = events;
    expect([created?.response, going?.response]).toMatchObject([
      { status: 'in_progress', output: [] },
      { status: 'in_progress', output: [] },
    ]);
    expect(added).toMatchObject({ output_index: 0, item: { status: 'in_progress', content: [] } });
    expect(part).toMatchObject({ content_index: 0, part: { type: 'output_text', text: '', annotations: [] } });
    expect(rest.slice(0, 3).map(({ logprobs }) => logprobs)).toEqual([[], [], []]);
  });

  it('that tell a fault have the number of the last before: who goes on after it misses none (B-RSP-004)', () => {
    const stream = new ResponseStream(factsWith(), clock);
    const opened = framesIn(stream.opening() + stream.of({ seq: 1, ...tokenEvent(0, 'a') }));
    const [fault] = framesIn(stream.fault(new ServiceError('SHUTTING_DOWN')));
    expect(fault).toMatchObject({ type: 'error', sequence_number: opened.length - 1 });
    const events = [tokenEvent(0, 'a'), tokenEvent(1, 'b'), end()];
    expect([...opened, ...told(events, {}, fault?.sequence_number)]).toEqual(told(events));
    expect(Object.keys(fault ?? {}).sort()).toEqual(['code', 'message', 'param', 'sequence_number', 'type']);
  });

  it('have thoughts, text and calls as items, one done before the next is added', () => {
    const events = told(mixed);
    const marks = events.filter(({ type }) => type.includes('output_item'));
    expect(marks.map(({ type, output_index: index }) => `${type.split('.')[2] ?? ''} ${String(index)}`)).toEqual([
      ...['added 0', 'done 0', 'added 1', 'done 1', 'added 2', 'done 2', 'added 3', 'done 3'],
    ]);
    expect(events.at(-1)?.response).toMatchObject({
      status: 'completed',
      output: [
        { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'hm' }] },
        { type: 'message', content: [{ text: 'so "\nit is' }] },
        { type: 'function_call', call_id: 'c0', name: 'f', arguments: '{"a":1}' },
        { type: 'function_call', call_id: 'c1', name: 'g', arguments: '{}' },
      ],
    });
  });

  it.each(['length', 'content_filter'])('say that it is incomplete: %s', finish => {
    const last = told([tokenEvent(0, 'a'), end(finish)]).at(-1);
    expect([last?.type, last?.response?.status, last?.response?.output]).toMatchObject([
      'response.incomplete',
      'incomplete',
      [{ status: 'incomplete' }],
    ]);
  });

  it('name the function of a namespace as it was offered (B-RSP-010)', () => {
    const f = { type: 'function', name: 'f', parameters: { type: 'object' }, strict: false };
    const named = (name: string): unknown => {
      const tools = [{ type: 'namespace', name: 'agents', description: 'Others', tools: [f] }, f];
      const called = { id: 'c', type: 'function', function: { name, arguments: '{}' } };
      const events = told([call(0, called), end('tool_calls')], { tools });
      const [item] = events.at(-1)?.response?.output ?? [];
      const response = events.at(-1)?.response;
      expect(faultsOf('Response', response)).toEqual([]);
      return item;
    };
    expect(named('agents__f')).toMatchObject({ name: 'f', namespace: 'agents' });
    expect(named('f')).toMatchObject({ name: 'f' });
    expect(named('f')).not.toHaveProperty('namespace');
    expect(named('other__f')).toMatchObject({ name: 'other__f' });
  });

  it('have refusals and logprobs', () => {
    const logprobs = { content: [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }] };
    const events = told([delta({ content: 'a' }, { logprobs }), delta({ refusal: 'no' }), end()]);
    expect(events.at(-1)?.response?.output).toMatchObject([
      { content: [{ type: 'output_text', logprobs: logprobs.content }] },
      { content: [{ type: 'refusal', refusal: 'no' }] },
    ]);
  });

  it('end with what there is, and what was used of it, where its task fails or is cancelled', () => {
    for (const [code, status] of [
      ['WORKER_RESET', 'failed'],
      ['CANCELLED', 'cancelled'],
    ] as const) {
      const metrics: TaskEvent = { type: 'metrics', data: '{"tokens_out":3}' };
      const last = told([tokenEvent(0, 'a'), metrics, errorEvent(new ServiceError(code))]).at(-1);
      expect(last).toMatchObject({
        type: 'response.failed',
        response: {
          status,
          output: [{ status: 'incomplete', content: [{ text: 'a' }] }],
          usage: { input_tokens: 0, output_tokens: 3, total_tokens: 3 },
        },
      });
    }
  });

  it('fail where the engine goes back to a call that is over', () => {
    const events = told([
      call(0, { id: 'c0', function: { name: 'f', arguments: '{' } }),
      call(1, { id: 'c1', function: { name: 'g', arguments: '{}' } }),
      call(0, { function: { arguments: '}' } }),
      end(),
    ]);
    expect(events.filter(({ type }) => /completed|failed/.test(type)).map(({ type }) => type)).toEqual([
      'response.failed',
    ]);
  });

  it('of one in the background say that it is queued until its task starts', () => {
    const events = told([started, tokenEvent(0, 'a'), end()], { background: true });
    expect(events.slice(0, 3).map(({ type, response }) => [type, response?.status])).toEqual([
      ['response.created', 'queued'],
      ['response.queued', 'queued'],
      ['response.in_progress', 'in_progress'],
    ]);
  });
});

describe('a response that is read again (B-RSP-004)', () => {
  it('goes on after any event as if it had not been left', () => {
    const whole = told(mixed);
    for (const { sequence_number: number } of whole) expect(told(mixed, {}, number)).toEqual(whole.slice(number + 1));
  });

  it('tells its end to a reader who has seen more than a crash has left', () => {
    const lost = { ...errorEvent(new ServiceError('ORCHESTRATOR_RESTARTED')), seq: seqAfterInterruption(1) };
    const seen = told([tokenEvent(0, 'a'), tokenEvent(1, 'b'), tokenEvent(2, 'c')]).at(-1)?.sequence_number;
    const rest = told([tokenEvent(0, 'a'), lost], {}, seen);
    expect(rest.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { output: [{ content: [{ text: 'a' }] }] },
    });
  });

  it('is made of what it came to once its events are gone', () => {
    const { response } = told(mixed).at(-1) ?? {};
    const replayed = framesIn(replayOf(factsWith(), response as ResponseEnd, undefined));
    expect(replayed.at(-1)).toMatchObject({ type: 'response.completed', response: { output: response?.output } });
    const rest = framesIn(replayOf(factsWith(), response as ResponseEnd, 5));
    expect(rest.map(({ type }) => type)).toEqual(['response.completed']);
  });
});

it.each([
  ['stop', 'completed', 1_700_000_005],
  ['length', 'incomplete', null],
])('a response that ends by %s says when it was completed, or that it was not', (finish, status, completedAt) => {
  const stream = new ResponseStream(factsWith(), clock, NO_FRAMES);
  stream.take(started);
  expect(stream.answer()).toMatchObject({ status: 'in_progress', completed_at: null });
  stream.take(end(finish));
  expect(stream.answer()).toMatchObject({ status, completed_at: completedAt });
});

describe('while a response waits', () => {
  it('it says again that it goes on, and nothing that would take back its output', () => {
    const stream = new ResponseStream(factsWith(), clock);
    stream.opening();
    expect(framesIn(stream.keepAlive())).toMatchObject([{ type: 'response.in_progress', sequence_number: 1 }]);
    stream.of(tokenEvent(0, 'a'));
    expect(stream.keepAlive()).toBe(': keep-alive\n\n');
  });

  it('nothing takes back what its reader had read before the response was queued again', () => {
    const stream = new ResponseStream(factsWith({ background: true }), clock, 2);
    expect(stream.opening()).toBe('');
    expect(stream.keepAlive()).toBe(': keep-alive\n\n');
    const fault = new ServiceError('SHUTTING_DOWN');
    expect(framesIn(stream.fault(fault))).toMatchObject([{ type: 'error', sequence_number: 2 }]);
    expect(stream.of({ seq: 1, ...started })).toBe('');
    expect(framesIn(stream.keepAlive())).toMatchObject([{ type: 'response.in_progress', sequence_number: 2 }]);
    expect(framesIn(stream.of({ seq: 2, ...tokenEvent(0, 'a') }))[0]).toMatchObject({ sequence_number: 3 });
  });
});
