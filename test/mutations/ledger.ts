import type { Mutation } from './mutation';

/** A ledger that loses, doubles, reorders, or takes a stale token. */
export const ledgerMutations: readonly Mutation[] = [
  {
    name: 'capacity not held',
    file: 'src/storage/embedded/queue-bounds.ts',
    find: `    return tasks < this.capacityOf(isServed) ? undefined : { kind: 'full', reason: 'places', isServed };`,
    replace: `    return tasks < 0 ? { kind: 'full', reason: 'places', isServed } : undefined;`,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'refused keeps its reservation',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `      this.accounts.giveBack(spec);
      return refusal;`,
    replace: '      return refusal;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'same id admitted twice',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    if (known) return this.answerKnown(known, requestHash);
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'another body under the id is taken',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    if (task.facts.requestHash !== requestHash) return { kind: 'conflict' };
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'claims the last head',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '      if (!head || (first && !isBefore(head, first.head))) continue;',
    replace: '      if (!head || (first && isBefore(head, first.head))) continue;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'an eviction is not taken back',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `        if (eviction) this.takeBack(eviction.loser);
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a failed admission stays',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `        this.forget(task);
        if`,
    replace: '        if',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'the slot of an ended task is not freed',
    file: 'src/storage/embedded/task-endings.ts',
    find: `    task.claim?.close(tell);
    const usage`,
    replace: '    const usage',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'the slot of a requeued task is not freed',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    (claim as EmbeddedClaim).close(false);
    return true;`,
    replace: '    return true;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a stale claim is taken',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    return isHeld && !task.isEnding ? task : undefined;',
    replace: '    return task;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'two endings win',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    if (task.endingOver) return { over: task.endingOver };
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'usage is not spent',
    file: 'src/storage/embedded/task-endings.ts',
    find: `    const settled = this.accounts.settle(task.spec, usage, draft.state === 'completed');`,
    replace: `    const settled = this.accounts.settle(task.spec, { ...usage, tokensOut: 0 }, draft.state === 'completed');`,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'what was shown is run again',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    if (!task || task.isMarked) return false;',
    replace: '    if (!task) return false;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a start runs again what was shown',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `      (record.firstTokenMarked ? interrupted : queued).push(task);
      if (!record.firstTokenMarked)`,
    replace: `      queued.push(task);
     `,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a retry does not wait',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    task.retry = this.alarms.after(waitMs, () => this.queue(task));',
    replace: `    void waitMs;
    this.queue(task);`,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a retry goes to the same replica',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    if (avoidMs > 0) task.avoid(`${poolId}/${replicaId}`, nowMs + avoidMs);',
    replace: '    void poolId, replicaId;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'sequence starts anew',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    this.lastSeq = Math.max(this.lastSeq, lastSeq);
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'sessions are forgotten over a start',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    this.accounts.restore(sessions);
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'deadlines are not told',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '() => this.overdue.next(task.taskId)',
    replace: '() => undefined',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'batch goes first',
    file: 'src/storage/embedded/order-keys.ts',
    find: `return priority === 'batch' ? this.config.batchAgeingMs : 0;`,
    replace: `return priority === 'batch' ? 0 : this.config.batchAgeingMs;`,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'the room of the unserved has no bound',
    file: 'src/storage/embedded/queue-bounds.ts',
    find: 'return isServed ? admissionCapacity : (unservedCapacity ?? admissionCapacity);',
    replace: 'return admissionCapacity * (isServed ? 1 : 9);',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'no claim with the admission',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    return interactive + batch === 1 ? this.claim() : undefined;',
    replace: '    return undefined;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a shutdown lets go of what was shown',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: '    for (const { claim, isMarked, isEnding } of this.tasks.values()) if (!isMarked && !isEnding) claim?.close(true);',
    replace: '    for (const { claim } of this.tasks.values()) claim?.close(true);',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a mark is forgotten',
    file: 'src/storage/embedded/embedded-ledger.ts',
    find: `    task.isMarked = true;
    return claim.isHeld`,
    replace: '    return claim.isHeld',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'rooms do not change',
    file: 'src/storage/embedded/lanes.ts',
    find: '    return this.isServed !== wasServed;',
    replace: '    return false;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'one room for all',
    file: 'src/storage/embedded/lanes.ts',
    find: '    return isServed ? this.served : this.unserved;',
    replace: '    return this.served;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'an avoided replica is never used',
    file: 'src/storage/embedded/lanes.ts',
    find: '    this.ready = others.length > 0 ? others : ready;',
    replace: '    this.ready = others;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'drops the youngest of two classes',
    file: 'src/storage/embedded/lanes.ts',
    find: '    return batch.seq < interactive.seq ? batch : interactive;',
    replace: '    return batch.seq < interactive.seq ? interactive : batch;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'slots past their number',
    file: 'src/storage/embedded/slots.ts',
    find: '      if (free === 0) continue;',
    replace: '      if (free < 0) continue;',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'nothing is reserved',
    file: 'src/storage/embedded/session-book.ts',
    find: `    session.reserved = add(session.reserved, amounts);
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a reservation stays',
    file: 'src/storage/embedded/session-book.ts',
    find: `    session.reserved = isIdle ? nothing : subtract(session.reserved, reserved);
`,
    replace: `    session.reserved = isIdle ? session.reserved : session.reserved;
`,
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'more is spent than was reserved',
    file: 'src/storage/embedded/session-book.ts',
    find: 'within(atMost(used), reserved)',
    replace: 'atMost(used)',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'the holder is not told',
    file: 'src/storage/embedded/held-task.ts',
    find: `    if (tell) onLost?.();
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'a lost claim is held',
    file: 'src/storage/embedded/held-task.ts',
    find: `    this.held = false;
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'nobody hears of an ending',
    file: 'src/storage/embedded/held-task.ts',
    find: `    ending?.settle();
`,
    replace: '',
    specs: ['src/storage/embedded/embedded-ledger.spec.ts', 'src/storage/embedded/session-book.spec.ts'],
  },
  {
    name: 'an ending of nobody is owed',
    file: 'src/storage/embedded/owed-endings.ts',
    find: '    if (!(await isAdmitted)) return false;',
    replace: '    await isAdmitted;',
    specs: ['src/storage/embedded/owed-endings.spec.ts', 'src/storage/embedded/embedded-ended.spec.ts'],
  },
  {
    name: 'an ending is told before its admission is durable',
    file: 'src/storage/embedded/owed-endings.ts',
    find: '    if (!(await isAdmitted)) return false;',
    replace: '',
    specs: ['src/storage/embedded/owed-endings.spec.ts', 'src/storage/embedded/embedded-ended.spec.ts'],
  },
];
