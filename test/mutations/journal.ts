import type { Mutation } from './mutation';

/** A journal that loses, doubles, reorders or takes back what it was given. */
export const journalMutations: readonly Mutation[] = [
  {
    name: 'the second ending wins',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: `    const row = this.liveRow(taskId);
    if (!row) return;
    const [seq, , sessionId, admittedAtMs, , marked`,
    replace: `    const row = this.sql.task.get(taskId) as TaskRow | undefined;
    if (!row) return;
    const [seq, , sessionId, admittedAtMs, , marked`,
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'an eviction is lost',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    return evicted && this.end(evicted, undefined);',
    replace: '    return undefined;',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'what was used is not kept',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    if (session) this.spend(session);',
    replace: '',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'usage goes down',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: 'Math.max(tokens, knownTokens)',
    replace: 'tokens',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'where it ran is forgotten with its ending',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    const placement = task.placement ?? placed;',
    replace: '    const placement = task.placement ?? null;',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'the prompt of an ended task is kept',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: `    this.sql.deleteRequest.run(seq);
    this.counters`,
    replace: '    this.counters',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'an unbound replica comes back',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    if (this.sql.deleteBinding.run(poolId, replicaId).changes > 0) this.changed',
    replace: `    if (replicaId === '') this.changed`,
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'a drain that was taken back comes back',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    if (this.sql.deleteDrain.run(poolId).changes > 0) this.changed',
    replace: `    if (poolId === '') this.changed`,
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'a note is lost',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: '    this.sql.putNote.run(...sealed<NoteRow>(name, text));',
    replace: '',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'numbers are given twice',
    file: 'src/storage/sqlite/tables/ledger-tables.ts',
    find: 'lastSeq: Math.max(lastSeq, seq), tasks',
    replace: 'lastSeq, tasks',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'a start finds tasks in another order',
    file: 'src/storage/sqlite/task-journal.sqlite.ts',
    find: '      live: records.sort(({ facts: a }, { facts: b }) => a.orderKey - b.orderKey || a.seq - b.seq),',
    replace: '      live: records.sort(({ facts: a }, { facts: b }) => b.orderKey - a.orderKey || b.seq - a.seq),',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'the events of a task without a transcript are dropped',
    file: 'src/storage/sqlite/task-journal.sqlite.ts',
    find: '    if (isNamed) this.copier.drop(taskId);',
    replace: '    this.copier.drop(taskId);',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
  {
    name: 'what was copied last is not read',
    file: 'src/storage/sqlite/task-journal.sqlite.ts',
    find: `    await this.copier.flush();
    return decodeEvents`,
    replace: '    return decodeEvents',
    specs: ['src/storage/sqlite/task-journal.sqlite.spec.ts'],
  },
];
