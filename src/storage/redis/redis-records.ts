import { Injectable } from '@nestjs/common';
import { TaskRecords, type RecordQuery, type TaskRecord } from '../../tasks/ledger/task-records.port';
import type { HeldTranscript } from '../../tasks/task/storing-transcript';
import type { TaskState } from '../../tasks/task/task';
import { Store, type Reply } from './connection/store';
import { expireScript, listScript, nameTranscriptScript } from './scripts/record-scripts';
import { fieldsOf, recordOf } from './task-fields';

/** States of the store that a state of the API may be; an ending that is not written yet shows the state before it. */
const liveStates: Partial<Record<TaskState, Readonly<Record<string, true>>>> = {
  queued: { q: true, r: true, e: true },
  dispatching: { d: true },
  streaming: { s: true, e: true },
};

/** What the store remembers of tasks, live and ended: a hash each, and sets to list them by. */
@Injectable()
export class RedisRecords extends TaskRecords {
  constructor(private readonly store: Store) {
    super();
  }

  async find(taskId: string): Promise<TaskRecord | undefined> {
    const fields = fieldsOf(await this.store.call('HGETALL', `${this.store.prefix}:t:${taskId}`));
    return fields && recordOf(fields, true);
  }

  async list({ state, sessionId, afterSeq, limit }: RecordQuery): Promise<readonly TaskRecord[]> {
    const live = state && liveStates[state];
    const ended = state && !live ? state : '';
    const through = sessionId !== undefined ? `of:${sessionId}` : ended === '' ? 'all' : `as:${ended}`;
    const found: TaskRecord[] = [];
    for (let before = afterSeq === undefined ? '' : String(afterSeq); ;) {
      const states = live ? JSON.stringify(live) : ended === '' ? '' : '{"x":true}';
      const args = [through, before, limit - found.length, states, ended] as const;
      const [entries, last] = (await this.store.run(listScript, ...args)) as [readonly Reply[], string];
      for (const entry of entries) {
        const fields = fieldsOf(entry);
        const record = fields && recordOf(fields, false);
        if (record && (state === undefined || record.state === state)) found.push(record);
      }
      if (last === '' || found.length >= limit) return found.slice(0, limit);
      before = last;
    }
  }

  async nameTranscript(taskId: string, artifactId: string): Promise<boolean> {
    return (await this.store.run(nameTranscriptScript, taskId, artifactId)) === 1;
  }

  /** The store has transcripts and endings alike. */
  async heldTranscripts(): Promise<readonly HeldTranscript[]> {
    return [];
  }

  async transcriptsStored(): Promise<void> {}

  async withoutTranscript(limit: number): Promise<readonly string[]> {
    return (await this.store.call('SRANDMEMBER', `${this.store.prefix}:untold`, String(limit))) as readonly string[];
  }

  async expire(keptBeforeMs: number, limit: number): Promise<number> {
    return Number(await this.store.run(expireScript, keptBeforeMs.toFixed(3), limit));
  }
}
