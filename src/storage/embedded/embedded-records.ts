import { Injectable } from '@nestjs/common';
import { JournalStart } from '../../tasks/journal/journal-start';
import { TaskJournal, type JournalRecord } from '../../tasks/journal/task-journal.port';
import type { LiveTask } from '../../tasks/ledger/task-ledger.port';
import { TaskRecords, type RecordQuery, type TaskRecord } from '../../tasks/ledger/task-records.port';
import type { HeldTranscript } from '../../tasks/task/storing-transcript';
import type { TaskEnding } from '../../tasks/task/task';
import { EmbeddedLedger } from './embedded-ledger';
import { OwedEndings } from './owed-endings';

/** Live tasks from the ledger, ended ones from the journal, those in between from what is still owed to it. */
@Injectable()
export class EmbeddedRecords extends TaskRecords {
  constructor(
    private readonly ledger: EmbeddedLedger,
    private readonly journal: TaskJournal,
    private readonly endings: OwedEndings,
    private readonly start: JournalStart,
  ) {
    super();
  }

  find(taskId: string): TaskRecord | undefined | Promise<TaskRecord | undefined> {
    const task = this.ledger.find(taskId);
    if (task) return ofLive(task);
    // It may become durable, and be owed no more, just after the journal has looked.
    const owed = this.endings.find(taskId);
    return this.journal.find(taskId).then(record => record && this.ofEnded(record, owed));
  }

  async list(query: RecordQuery): Promise<readonly TaskRecord[]> {
    const { state } = query;
    if (state === 'queued' || state === 'dispatching' || state === 'streaming') return this.listLive(query);
    const found: TaskRecord[] = [];
    // What is left out makes room for what comes after it: a page that is short is the last.
    for (let before: Pick<RecordQuery, 'afterSeq'> = {}; ;) {
      const limit = query.limit - found.length;
      const records = await this.journal.list({ ...query, ...before, limit });
      for (const record of records) {
        // It may have ended since the journal was read.
        const shown = this.shown(record) ?? (await this.find(record.spec.taskId));
        if (shown) found.push(shown);
      }
      const last = records.at(-1);
      if (!last || records.length < limit || found.length === query.limit) return found;
      before = { afterSeq: last.facts.seq };
    }
  }

  async nameTranscript(taskId: string, artifactId: string): Promise<boolean> {
    if (this.ledger.find(taskId) || this.endings.find(taskId)) return false;
    await this.journal.nameTranscript(taskId, artifactId);
    return true;
  }

  heldTranscripts(): Promise<readonly HeldTranscript[]> {
    return this.start.heldTranscripts();
  }

  transcriptsStored(): Promise<void> {
    return this.journal.transcriptsStored();
  }

  withoutTranscript(limit: number): Promise<readonly string[]> {
    return this.journal.withoutTranscript(limit);
  }

  expire(keptBeforeMs: number, limit: number): Promise<number> {
    return this.journal.expire(keptBeforeMs, limit);
  }

  private listLive({ state, sessionId, afterSeq, limit }: RecordQuery): TaskRecord[] {
    const found = [...this.ledger.live()].filter(
      task =>
        task.state === state &&
        (sessionId === undefined || task.spec.sessionId === sessionId) &&
        (afterSeq === undefined || task.facts.seq < afterSeq),
    );
    found.sort((a, b) => b.facts.seq - a.facts.seq);
    return found.slice(0, limit).map(ofLive);
  }

  private shown(record: JournalRecord): TaskRecord | undefined {
    const task = this.ledger.find(record.spec.taskId);
    return task ? ofLive(task) : this.ofEnded(record);
  }

  /** In the journal, neither live nor ended: its admission is not through, so nobody was told of it yet. */
  private ofEnded(record: JournalRecord, owed?: TaskEnding): TaskRecord | undefined {
    const { spec, facts, transcript } = record;
    const ending = record.ending ?? this.endings.find(spec.taskId) ?? owed;
    if (!ending) return undefined;
    const { state, attempts, startedAtMs } = ending;
    const placement = ending.placement ?? record.placement;
    return { spec, facts, state, attempts, placement, startedAtMs, ending, ...(transcript && { transcript }) };
  }
}

function ofLive({ spec, facts, state, attempts, placement, shown: { startedAtMs } }: LiveTask): TaskRecord {
  return { spec, facts, state, attempts, placement, startedAtMs };
}
