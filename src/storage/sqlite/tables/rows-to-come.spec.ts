import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endingOf, factsOf, placement, plainSpec, startMs } from '../../../../test/contracts/journal-samples';
import type { TaskEnding } from '../../../tasks/task/task';
import { openDatabase } from '../file/driver';
import { JournalReader } from './journal-reader';
import { LedgerTables } from './ledger-tables';
import { migrate } from './migrations';
import type { FoundRow, WriteRequest } from './protocol';
import { decodeRecord, encodeAdmission, encodeEnding, encodePlacement } from './record-codec';
import { rowAfter } from './rows-to-come';

const { transcriptArtifactId: _, ...unnamed } = endingOf('any');
const { placement: __, ...unplaced } = unnamed;

const admit = (taskId: string, seq: number, evicted?: TaskEnding): WriteRequest => ({
  kind: 'admit',
  task: encodeAdmission(plainSpec(taskId), factsOf(seq)),
  ...(evicted && { evicted: encodeEnding(evicted) }),
});
const mark = (taskId: string, replicaId = 'r1'): WriteRequest => ({
  kind: 'mark',
  taskId,
  placement: encodePlacement({ ...placement, replicaId }),
});
const end = (ending: TaskEnding): WriteRequest => ({ kind: 'end', task: encodeEnding(ending) });

/** What readers find after each of the writes, the first time before any. */
function foundAfterEach(writes: readonly WriteRequest[], taskId: string): (FoundRow | undefined)[] {
  const db = openDatabase(':memory:');
  try {
    migrate(db);
    const tables = new LedgerTables(db, { changes: 0, lastSeq: 0, tasks: 0, live: 0 });
    const reader = new JournalReader(db);
    const found = [reader.find(taskId)];
    for (const [at, write] of writes.entries()) {
      db.transaction(() => tables.applyLogged(at + 1, [write])).immediate();
      found.push(reader.find(taskId));
    }
    return found;
  } finally {
    db.close();
  }
}

/** All of it but the checksum. */
const shown = (found: FoundRow | undefined): unknown =>
  found && { task: found.task.slice(0, -1), prompt: found.prompt, record: decodeRecord(found.task, found.prompt) };

const after = (found: FoundRow | undefined, writes: readonly WriteRequest[], taskId: string): FoundRow | undefined =>
  writes.reduce<FoundRow | undefined>((row, write) => rowAfter(row, write, taskId), found);

const name = fc.constantFrom('a', 'b', 'c');
const written = fc.oneof(
  fc.record({ kind: fc.constant('admit' as const), evicts: fc.option(name, { nil: undefined }) }),
  fc.record({ kind: fc.constant('mark' as const), of: name }),
  fc.record({ kind: fc.constant('end' as const), of: name, isPlaced: fc.boolean(), isNamed: fc.boolean() }),
);
type Written = typeof written extends fc.Arbitrary<infer T> ? T : never;

/** As the log holds them: an id is admitted once, and what comes of a task comes after that; in any order, sensible or not. */
function writesOf(steps: readonly Written[]): WriteRequest[] {
  const ids = ['a', 'b', 'c'];
  const admitted = new Set<string>();
  const marked = new Set<string>();
  return steps.flatMap((step, at): WriteRequest[] => {
    const keptFromMs = startMs + at;
    if (step.kind === 'admit') {
      const taskId = ids.shift();
      if (taskId === undefined) return [];
      const { evicts } = step;
      const evicted = evicts !== undefined && admitted.has(evicts) ? evicts : undefined;
      admitted.add(taskId);
      return [admit(taskId, at + 1, evicted && { ...unplaced, taskId: evicted, state: 'dropped', keptFromMs })];
    }
    if (!admitted.has(step.of)) return [];
    if (step.kind === 'mark') {
      if (marked.has(step.of)) return [];
      marked.add(step.of);
      return [mark(step.of, `r${at}`)];
    }
    const transcript = step.isNamed && { transcriptArtifactId: `transcript-${at}` };
    return [end({ ...(step.isPlaced ? unnamed : unplaced), taskId: step.of, keptFromMs, ...transcript })];
  });
}

describe('what the database has of a task and the writes that it has not', () => {
  it('are together what it has of it once it has all, wherever it stands, also where it has some of them already', () => {
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 16 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('a', 'b', 'c', 'nobody'),
        (steps, cut, more, taskId) => {
          const writes = writesOf(steps);
          const found = foundAfterEach(writes, taskId);
          const from = cut % found.length;
          // Where it stood when the writes were looked at, and where it stands when it is read: there, or further on.
          const read = from + (more % (found.length - from));
          expect(shown(after(found[read], writes.slice(from), taskId))).toEqual(shown(found.at(-1)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each<[string, readonly WriteRequest[], unknown]>([
    ['an admission', [admit('a', 1)], { spec: plainSpec('a'), facts: factsOf(1), firstTokenMarked: false }],
    ['a mark', [admit('a', 1), mark('a')], { spec: { prompt: 'Prompt of a' }, firstTokenMarked: true, placement }],
    [
      'an ending that does not say where it ran',
      [admit('a', 1), mark('a'), end({ ...unplaced, taskId: 'a' })],
      { spec: { prompt: '' }, placement, ending: { state: 'completed' } },
    ],
    ['an eviction', [admit('a', 1), admit('b', 2, { ...unplaced, taskId: 'a', state: 'dropped' })], endedAs('dropped')],
    [
      'the transcript of one that was evicted',
      [
        admit('a', 1),
        admit('b', 2, { ...unplaced, taskId: 'a', state: 'dropped' }),
        end({ ...unnamed, taskId: 'a', transcriptArtifactId: 'hash' }),
      ],
      { ending: { state: 'dropped', transcriptArtifactId: 'hash' } },
    ],
  ])('of %s, alone and applied twice', (_what, writes, record) => {
    const found = after(undefined, writes, 'a');
    expect(found && decodeRecord(found.task, found.prompt)).toMatchObject(record as object);
    expect(after(found, writes, 'a')).toEqual(found);
  });

  it('is nothing of a task that is not known, whatever is written', () => {
    const writes = [mark('a'), end({ ...unnamed, taskId: 'a' }), admit('b', 1, { ...unnamed, taskId: 'a' })];
    expect(after(undefined, writes, 'a')).toBeUndefined();
    const elsewhere: WriteRequest[] = [
      { kind: 'note', name: 'n', text: 't' },
      { kind: 'transcript', taskId: 'a', artifactId: 'hash' },
    ];
    expect(after(undefined, elsewhere, 'a')).toBeUndefined();
  });
});

function endedAs(state: string): unknown {
  return { spec: { prompt: '' }, firstTokenMarked: false, ending: { taskId: 'a', state } };
}
