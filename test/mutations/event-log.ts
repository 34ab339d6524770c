import type { Mutation } from './mutation';

/** A log that loses, doubles or reorders events, or shows one reader what is another one’s. */
export const eventLogMutations: readonly Mutation[] = [
  {
    name: 'an event is lost',
    file: 'src/tasks/events/event-frames.ts',
    find: '    this.ends.push(this.used);',
    replace: '    if (this.length !== 7) this.ends.push(this.used);',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'an event is doubled',
    file: 'src/tasks/events/event-frames.ts',
    find: '    this.plain.push(eventFrame(seq, type, data));',
    replace: `    this.plain.push(eventFrame(seq, type, data));
    if (this.plain.length === 5) this.plain.push(eventFrame(seq, type, data));`,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'a chunk lacks its last event',
    file: 'src/tasks/events/event-frames.ts',
    find: '    return this.bytes.subarray(this.startOf(from), this.startOf(to));',
    replace: '    return this.bytes.subarray(this.startOf(from), this.startOf(Math.max(from + 1, to - 1)));',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'whoever is in the gap gets nothing',
    file: 'src/tasks/events/event-frames.ts',
    find: '    const from = Math.min(afterSeq, this.plain.length - 1);',
    replace: '    const from = afterSeq;',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'the number of a terminal event behind a gap is its place',
    file: 'src/tasks/events/event-frames.ts',
    find: '      lastSeq: isAll ? this.last : to,',
    replace: '      lastSeq: to,',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'says to be at the end before it is',
    file: 'src/tasks/events/event-frames.ts',
    find: '      terminal: isAll && isComplete,',
    replace: '      terminal: isComplete,',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'a read has no bound',
    file: 'src/tasks/events/event-frames.ts',
    find: '    while (to < this.length && this.startOf(to) < endByte) to++;',
    replace: '    while (to < this.length) to++;',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'verbose readers get the plain form',
    file: 'src/tasks/events/event-frames.ts',
    find: '      frames: verbose ? this.verboseBetween(from, to) : this.plain.between(from, to),',
    replace: '      frames: this.plain.between(from, to),',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'what was given out changes',
    file: 'src/tasks/events/event-frames.ts',
    find: `    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes = grown;`,
    replace: `    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes.fill(32);
    this.bytes = grown;`,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'a reader gets the form of another',
    file: 'src/storage/memory/event-log.memory.ts',
    find: '    if (joined && joined.afterSeq === afterSeq && joined.verbose === verbose) return joined.chunk;',
    replace: '    if (joined && joined.afterSeq === afterSeq) return joined.chunk;',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'nobody is woken',
    file: 'src/storage/memory/event-log.memory.ts',
    find: `    for (const follower of log.followers) follower.next();\n`,
    replace: ``,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'something follows the end',
    file: 'src/storage/memory/event-log.memory.ts',
    find: '    if (!log || log.terminal) {',
    replace: '    if (!log) {',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'followers of a dropped log are not told',
    file: 'src/storage/memory/event-log.memory.ts',
    find: `    for (const follower of log.followers) follower.complete();\n`,
    replace: ``,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'opened again it has what it had',
    file: 'src/storage/memory/event-log.memory.ts',
    find: `    this.drop(taskId);
    this.logs.set`,
    replace: `    if (this.logs.has(taskId)) return;
    this.logs.set`,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'a log is dropped under its readers',
    file: 'src/storage/memory/event-log.memory.ts',
    find: `      if (log.followers.length === 0) this.drop(taskId);`,
    replace: `      this.drop(taskId);`,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'nothing is copied',
    file: 'src/storage/memory/event-log.memory.ts',
    find: `    this.copies.copyEvents(taskId, firstSeq, events);
`,
    replace: '',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'copies have a gap',
    file: 'src/storage/memory/event-log.memory.ts',
    find: '    const firstSeq = (this.logs.get(taskId)?.frames.lastSeq ?? 0) + 1;',
    replace: '    const firstSeq = (this.logs.get(taskId)?.frames.lastSeq ?? 0) + 2;',
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
  {
    name: 'copies come back in another order',
    file: 'src/storage/sqlite/tables/event-lines.ts',
    find: `      if (line !== '') lines?.push(line);`,
    replace: `      if (line !== '') lines?.unshift(line);`,
    specs: ['src/storage/memory/event-log.memory.spec.ts'],
  },
];
