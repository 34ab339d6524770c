import type { Mutation } from './mutation';

const embeddedLedger = ['src/storage/embedded/embedded-ledger.spec.ts'];
const redisLedger = ['src/storage/redis/redis-ledger.spec.ts'];
const embeddedPools = ['src/storage/embedded/embedded-pool-store.spec.ts'];
const redisPools = ['src/storage/redis/redis-pool-store.spec.ts'];
const redisNotes = ['src/storage/redis/redis-notes.spec.ts'];
const embeddedRecords = 'src/storage/embedded/embedded-records.ts';
const recordScripts = 'src/storage/redis/scripts/record-scripts.ts';
const poolScripts = 'src/storage/redis/scripts/pool-scripts.ts';

/** Tasks that are forgotten, told wrongly, or never gone. */
export const recordMutations: readonly Mutation[] = [
  {
    name: 'live tasks are listed oldest first',
    file: embeddedRecords,
    find: 'b.facts.seq - a.facts.seq',
    replace: 'a.facts.seq - b.facts.seq',
    specs: embeddedLedger,
  },
  {
    name: 'a page of live tasks begins with the last of the one before',
    file: embeddedRecords,
    find: 'task.facts.seq < afterSeq',
    replace: 'task.facts.seq <= afterSeq',
    specs: embeddedLedger,
  },
  {
    name: 'a transcript is named while its task runs',
    file: embeddedRecords,
    find: 'if (this.ledger.find(taskId) || this.endings.find(taskId)) return false;',
    replace: '',
    specs: embeddedLedger,
  },
  {
    name: 'a page begins with the last of the one before, in the store',
    file: recordScripts,
    find: "or '(' .. ARGV[2]",
    replace: 'or ARGV[2]',
    specs: redisLedger,
  },
  {
    name: 'more is forgotten than was asked for',
    file: recordScripts,
    find: "'LIMIT', 0, ARGV[2])\nfor _, id",
    replace: "'LIMIT', 0, 100)\nfor _, id",
    specs: redisLedger,
  },
  {
    name: 'a transcript is named while its task runs, in the store',
    file: recordScripts,
    find: "if t[1] and t[1] ~= 'x' then return 0 end",
    replace: '',
    specs: redisLedger,
  },
];

/** Bindings, drains and works that are lost, or never gone. */
export const poolStoreMutations: readonly Mutation[] = [
  {
    name: 'a reload begins beside another',
    file: 'src/storage/embedded/embedded-pool-store.ts',
    find: 'return other?.operation;',
    replace: 'return undefined;',
    specs: embeddedPools,
  },
  {
    name: 'a reload that is over keeps others from beginning',
    file: 'src/storage/embedded/embedded-pool-store.ts',
    find: 'this.works.delete(poolId);',
    replace: '',
    specs: embeddedPools,
  },
  {
    name: 'that there was an engine is forgotten',
    file: 'src/storage/embedded/embedded-pool-store.ts',
    find: 'hadEngine: notes.has(ENGINE_SEEN)',
    replace: 'hadEngine: false',
    specs: embeddedPools,
  },
  {
    name: 'what is taken away stays, in the store',
    file: poolScripts,
    find: "if call('HDEL', key, ARGV[2]) == 0 then return 0 end",
    replace: '',
    specs: redisPools,
  },
  {
    name: 'replicas of one pool are one, in the store',
    file: 'src/storage/redis/redis-pool-store.ts',
    find: 'return `${poolId}/${replicaId}`;',
    replace: 'return poolId + replicaId.slice(0, 0);',
    specs: redisPools,
  },
  {
    name: 'a reload begins beside another, in the store',
    file: poolScripts,
    find: '  return other\nend',
    replace: '  return false\nend',
    specs: redisPools,
  },
  {
    name: 'a purge is taken for heard by all before it is',
    file: poolScripts,
    find: 'then return 0 end\nend\nreturn 1',
    replace: 'then return 1 end\nend\nreturn 1',
    specs: redisPools,
  },
  {
    name: 'nobody says that a purge was heard of',
    file: 'src/storage/redis/redis-pool-store.ts',
    find: 'await this.sayHeard(changed.works);',
    replace: '',
    specs: redisPools,
  },
  {
    name: 'what a purge came to that lapsed is told in place of a later one’s',
    file: poolScripts,
    find: ' and (not last or last <= ARGV[2])',
    replace: '',
    specs: redisPools,
  },
  {
    name: 'what a purge came to is dropped where the store has lost that it was begun',
    file: poolScripts,
    find: 'last <= ARGV[2]',
    replace: 'last == ARGV[2]',
    specs: redisPools,
  },
  {
    name: 'what other nodes have bound is as if this one had',
    file: 'src/storage/redis/redis-pool-store.ts',
    find: 'return by === this.node.nodeId ? binding : { ...binding, isElsewhere: true };',
    replace: 'return by === "" ? { ...binding, isElsewhere: true } : binding;',
    specs: redisPools,
  },
];

/** Notes that are lost or mixed up. */
export const noteMutations: readonly Mutation[] = [
  {
    name: 'a note is under one name for all',
    file: 'src/storage/redis/redis-notes.ts',
    find: "'HSET', this.key, name, text",
    replace: "'HSET', this.key, 'note', text",
    specs: redisNotes,
  },
  {
    name: 'a note that is there is not replaced',
    file: 'src/storage/redis/redis-notes.ts',
    find: "'HSET'",
    replace: "'HSETNX'",
    specs: redisNotes,
  },
  {
    name: 'notes are not saved',
    file: 'src/storage/embedded/embedded-notes.ts',
    find: 'return this.journal.saveNote(name, text);',
    replace: 'return Promise.resolve();',
    specs: ['src/storage/embedded/embedded-notes.spec.ts'],
  },
];

/** Sessions that come back, or keep spending once they are gone. */
export const sessionMutations: readonly Mutation[] = [
  {
    name: 'a deleted session is back after a restart',
    file: 'src/storage/embedded/embedded-sessions.ts',
    find: '    await this.journal.forgetSession(sessionId);\n  }\n\n  private',
    replace: '  }\n\n  private',
    specs: embeddedLedger,
  },
  {
    name: 'a session with a task that runs is not deleted',
    file: 'src/storage/embedded/session-book.ts',
    find: 'const wasBusy = this.busy.delete(sessionId);',
    replace: 'const wasBusy = false;',
    specs: embeddedLedger,
  },
  {
    name: 'a session is not deleted, in the store',
    file: 'src/storage/redis/scripts/session-scripts.ts',
    find: "return call('DEL', sessionKey(ARGV[1]))",
    replace: 'return 1',
    specs: redisLedger,
  },
];
