import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endingOf, factsOf, placement, plainSpec } from '../../../../test/contracts/journal-samples';
import { temporaryFolder, type TemporaryFolder } from '../../../../test/support/temporary-folder';
import { openDatabase } from '../file/driver';
import { LedgerTables } from './ledger-tables';
import { migrate } from './migrations';
import type { WriteRequest } from './protocol';
import { encodeAdmission, encodeEnding, encodePlacement } from './record-codec';

let folder: TemporaryFolder;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => folder.remove());

const TASKS = 4;
const id = fc.integer({ min: 1, max: TASKS });

/** What may come of a task in any order, sensible or not: the log holds whatever was acknowledged. */
const step = fc.oneof(
  id.map(n => ({ kind: 'admit' as const, n })),
  fc.tuple(id, id).map(([n, evicted]) => ({ kind: 'admit' as const, n, evicted })),
  id.map(n => ({ kind: 'mark' as const, n })),
  fc
    .tuple(id, fc.boolean(), fc.boolean())
    .map(([n, isPlaced, isNamed]) => ({ kind: 'end' as const, n, isPlaced, isNamed })),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Each admission has a number of its own, as the ledger gives it. */
function writesOf(steps: readonly Step[]): WriteRequest[] {
  return steps.map((step, at): WriteRequest => {
    const taskId = `task-${step.n}`;
    switch (step.kind) {
      case 'admit': {
        const task = encodeAdmission(plainSpec(taskId), factsOf(at + 1));
        if (!('evicted' in step)) return { kind: 'admit', task };
        return { kind: 'admit', task, evicted: encodeEnding(endingOf(`task-${step.evicted}`)) };
      }
      case 'mark':
        return { kind: 'mark', taskId, placement: encodePlacement(placement) };
      case 'end': {
        const { transcriptArtifactId, ...unnamed } = endingOf(taskId);
        const named = step.isNamed && { transcriptArtifactId: `${transcriptArtifactId ?? ''}-${at}` };
        const { placement: placed, ...ending } = encodeEnding({ ...unnamed, ...named });
        const session = { sessionId: `session-${step.n}`, tokens: at, timeMs: at, cost: at, turns: at };
        return { kind: 'end', task: { ...ending, placement: step.isPlaced ? placed : undefined }, session };
      }
    }
  });
}

/** The tables after the writes, as rows, and what the echo was told of each task. */
function outcome(work: (tables: LedgerTables) => void): unknown {
  const db = openDatabase(':memory:');
  try {
    migrate(db);
    const tables = new LedgerTables(db, { changes: 0, lastSeq: 0, tasks: 0, live: 0 });
    db.transaction(() => work(tables)).immediate();
    const changes = tables.settle().filter(({ kind }) => kind !== 'mark');
    const rows = ['tasks', 'requests', 'sessions'].map(table => db.prepare(`SELECT * FROM ${table}`).raw().all());
    const { tasks, live, lastSeq } = tables.counters;
    return {
      rows,
      counters: { tasks, live, lastSeq },
      changes: changes.map(({ kind, subject }) => `${kind} ${subject}`).sort(),
    };
  } finally {
    db.close();
  }
}

it('come to the same in one go as one after the other, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), fc.array(fc.nat({ max: 24 }), { maxLength: 3 }), (steps, cuts) => {
      const writes = writesOf(steps);
      const singly = outcome(tables => writes.forEach(write => tables.apply(write)));
      const grouped = outcome(tables => {
        const ends = [...new Set([...cuts.filter(cut => cut < writes.length), writes.length])].sort((a, b) => a - b);
        let from = 0;
        for (const end of ends) {
          tables.applyLogged(from + 1, writes.slice(from, end));
          from = end;
        }
      });
      expect(grouped).toEqual(singly);
    }),
  );
});

it('of a whole life are one row that says all of it', () => {
  const db = openDatabase(':memory:');
  migrate(db);
  const tables = new LedgerTables(db, { changes: 0, lastSeq: 0, tasks: 0, live: 0 });
  const steps = [
    { kind: 'admit' as const, n: 1 },
    { kind: 'mark' as const, n: 1 },
    { kind: 'end' as const, n: 1, isPlaced: false, isNamed: true },
  ];
  db.transaction(() => expect(tables.applyLogged(1, writesOf(steps))).toEqual([])).immediate();
  expect(db.prepare('SELECT task_id, marked, placement FROM tasks').all()).toEqual([
    { task_id: 'task-1', marked: 1, placement: encodePlacement(placement) },
  ]);
  expect(db.prepare('SELECT * FROM requests').all()).toEqual([]);
  expect(db.prepare('SELECT turns FROM sessions').pluck().all()).toEqual([2]);
  db.close();
});

it('are counted each, whatever they come to', () => {
  const db = openDatabase(':memory:');
  migrate(db);
  const tables = new LedgerTables(db, { changes: 7, lastSeq: 0, tasks: 0, live: 0 });
  const writes = writesOf([
    { kind: 'mark', n: 1 },
    { kind: 'admit', n: 1 },
    { kind: 'admit', n: 1 },
    { kind: 'end', n: 2, isPlaced: true, isNamed: true },
  ]);
  db.transaction(() => expect(tables.applyLogged(8, writes)).toEqual([writes[2]])).immediate();
  expect(tables.counters.changes).toBe(11);
  db.close();
});
