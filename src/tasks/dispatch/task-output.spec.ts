import { beforeEach, describe, expect, it } from 'vitest';
import { factsOf, placement, plainSpec } from '../../../test/contracts/journal-samples';
import type { EngineEvent } from '../../engines/engine-adapter.port';
import { LiveTask } from '../live/live-task';
import { queueEntryOf } from '../queue/queue-entry';
import type { TaskEvent } from '../task';
import { TaskOutput, type OutputSink } from './task-output';

const MAX_BYTES = 1000;
const words = (...texts: string[]): EngineEvent[] => texts.map(text => ({ kind: 'token', text }));

let shown: TaskEvent[];
let mark: () => void;
let task: LiveTask;
let output: TaskOutput;

beforeEach(() => {
  shown = [];
  const spec = plainSpec('t', { maxTokens: 4 });
  const facts = factsOf(1);
  task = new LiveTask(spec, facts, queueEntryOf(spec, facts), { tokens: 0, timeMs: 0, cost: 0 }, Infinity);
  const marked = new Promise<void>(resolve => (mark = resolve));
  const sink: OutputSink = {
    maxBytes: MAX_BYTES,
    nowMs: () => 0,
    firstOutput: () => marked,
    append: (_, events) => {
      shown.push(...events);
      return shown.reduce((bytes, { data }) => bytes + data.length, 0);
    },
    appendMetrics: () => undefined,
  };
  output = new TaskOutput(task, placement, sink);
});

const texts = (): unknown[] =>
  shown.filter(({ type }) => type === 'token').map(({ data }) => (JSON.parse(data) as { t: string }).t);

describe('TaskOutput', () => {
  it('shows nothing before the journal has the mark, and then everything in its order', async () => {
    expect(output.take(words('a', 'b'))).toBe(true);
    output.take(words('c'));
    expect(shown).toEqual([]);
    mark();
    await output.settled();
    expect(shown.map(({ type }) => type)).toEqual(['started', 'token', 'token', 'token']);
    output.take(words('d'));
    expect(texts()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('leaves out what is past max_tokens, also where one batch brings much of it, and says so', async () => {
    mark();
    expect(output.take(words('a', 'b', 'c'))).toBe(true);
    await output.settled();
    expect(output.take(words('d', 'e', 'f', 'g'))).toBe(false);
    expect(texts()).toEqual(['a', 'b', 'c', 'd']);
    expect(task.tokens).toBe(4);
  });

  it('shows nothing of a task that was ended before its mark was durable', async () => {
    output.take(words('a'));
    task.ending = Promise.resolve();
    mark();
    await output.settled();
    expect(shown).toEqual([]);
  });

  it('bounds what it shows, and what it holds until then', async () => {
    expect(() => output.take(words('x'.repeat(MAX_BYTES)))).toThrow('output');
    mark();
    await output.settled();
    expect(() => output.take(words('y'))).toThrow('output');
  });
});
