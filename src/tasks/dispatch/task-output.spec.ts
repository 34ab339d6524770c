import { beforeEach, describe, expect, it } from 'vitest';
import { factsOf, placement, plainSpec } from '../../../test/contracts/journal-samples';
import type { EngineEvent } from '../../engines/engine-adapter.port';
import type { Claim } from '../ledger/task-ledger.port';
import type { TaskEvent } from '../task/task';
import { TaskOutput, type OutputSink } from './task-output';

const MAX_BYTES = 1000;
const words = (...texts: string[]): EngineEvent[] => texts.map(text => ({ kind: 'token', text }));

let shown: TaskEvent[];
let marks: number;
let mark: (isHeld: boolean) => void;
let fail: (cause: Error) => void;
let claim: Claim;
let faults: unknown[];
let output: TaskOutput;

beforeEach(() => {
  shown = [];
  faults = [];
  marks = 0;
  claim = {
    spec: plainSpec('t', { maxTokens: 4 }),
    facts: factsOf(1),
    attempt: 1,
    placement,
    lease: {},
    shown: { tokens: 0, startedAtMs: undefined, terminalSeq: undefined },
    isHeld: true,
  } as Claim;
  const marked = new Promise<boolean>((resolve, reject) => ([mark, fail] = [resolve, reject]));
  const sink: OutputSink = {
    maxBytes: MAX_BYTES,
    clock: { nowMs: () => 0 },
    begun: () => undefined,
    mark: () => {
      marks++;
      return marked;
    },
    log: {
      append: (_, events) => {
        shown.push(...events);
        return shown.reduce((bytes, { data }) => bytes + data.length, 0);
      },
    },
    appendMetrics: () => undefined,
  };
  output = new TaskOutput(claim, sink, cause => faults.push(cause));
});

const textsOf = (events: readonly TaskEvent[]): unknown[] =>
  events.filter(({ type }) => type === 'token').map(({ data }) => (JSON.parse(data) as { t: string }).t);
const turn = (): Promise<void> => new Promise(setImmediate);

describe('TaskOutput', () => {
  it('shows nothing before the mark is durable, and then everything in its order', async () => {
    expect(output.take(words('a', 'b'), false)).toBe(true);
    output.take(words('c'), false);
    expect(shown).toEqual([]);
    mark(true);
    await turn();
    expect(shown.map(({ type }) => type)).toEqual(['started', 'token', 'token', 'token']);
    output.take(words('d'), false);
    expect(textsOf(shown)).toEqual(['a', 'b', 'c', 'd']);
    expect([marks, output.close()]).toEqual([1, []]);
  });

  it('shows deltas and results as canonical JSON, and counts the tokens that they stand for', () => {
    const choices = '[{"index":0,"delta":{"content":"b"}}]';
    const batch: EngineEvent[] = [
      ...words('a'),
      { kind: 'delta', data: choices, tokens: 1 },
      ...words('c'),
      { kind: 'result', data: '{"object":"list","data":[]}' },
    ];
    expect(output.take(batch, true)).toBe(true);
    expect(output.close().slice(1)).toEqual([
      { type: 'token', data: '{"i":0,"t":"a"}' },
      { type: 'delta', data: '{"choices":[{"delta":{"content":"b"},"index":0}]}' },
      { type: 'token', data: '{"i":1,"t":"c"}' },
      { type: 'result', data: '{"data":[],"object":"list"}' },
    ]);
    expect(claim.shown.tokens).toBe(3);
  });

  it('takes no delta of more tokens than are wanted, and those of none', () => {
    const delta = (tokens: number): EngineEvent => ({ kind: 'delta', data: '[]', tokens });
    expect(output.take([delta(3), delta(1), delta(0)], false)).toBe(true);
    expect(output.take([delta(1)], false)).toBe(false);
    expect(output.take([delta(0)], true)).toBe(true);
    expect([claim.shown.tokens, output.close().length]).toEqual([4, 5]);
  });

  it('does not parse a result that passes the bound of the log', () => {
    const result: EngineEvent = { kind: 'result', data: `"${'x'.repeat(MAX_BYTES)}` };
    expect(() => output.take([result], true)).toThrow(expect.objectContaining({ code: 'OUTPUT_TOO_LARGE' }));
  });

  it('gives what nobody has seen back with its end, and asks for no mark where the end comes with the first of it', () => {
    output.take(words('a', 'b'), true);
    expect(textsOf(output.close())).toEqual(['a', 'b']);
    expect([marks, shown]).toEqual([0, []]);
  });

  it('gives back what still waits for its mark, and shows none of it later', async () => {
    output.take(words('a'), false);
    expect(output.close().map(({ type }) => type)).toEqual(['started', 'token']);
    mark(true);
    await turn();
    expect(shown).toEqual([]);
  });

  it('holds all of an output that is withheld until its end, and asks for no mark', async () => {
    Object.assign(claim, { spec: { ...plainSpec('t', { maxTokens: 4 }), isWithheld: true } });
    for (const word of ['a', 'b', 'c']) output.take(words(word), false);
    mark(true);
    await turn();
    expect([shown, marks, textsOf(output.close())]).toEqual([[], 0, ['a', 'b', 'c']]);
  });

  it('begins the stream of an output of nothing', () => {
    expect(output.close().map(({ type }) => type)).toEqual(['started']);
  });

  it('leaves out what is past max_tokens, also where one batch brings much of it, and says so', async () => {
    mark(true);
    expect(output.take(words('a', 'b', 'c'), false)).toBe(true);
    await turn();
    expect(output.take(words('d', 'e', 'f', 'g'), false)).toBe(false);
    expect(textsOf(shown)).toEqual(['a', 'b', 'c', 'd']);
    expect(claim.shown.tokens).toBe(4);
  });

  it('shows nothing of a task that was ended before its mark was durable', async () => {
    output.take(words('a'), false);
    mark(false);
    await turn();
    expect(shown).toEqual([]);
  });

  it('tells of a mark that could not be made durable, and shows nothing', async () => {
    output.take(words('a'), false);
    fail(new Error('no room'));
    await turn();
    expect(faults).toMatchObject([{ message: 'no room' }]);
    expect([shown, textsOf(output.close())]).toEqual([[], []]);
  });

  it('bounds what it shows, and what it holds until then', async () => {
    expect(() => output.take(words('x'.repeat(MAX_BYTES)), false)).toThrow('output');
    mark(true);
    await turn();
    expect(() => output.take(words('y'), false)).toThrow('output');
  });
});
