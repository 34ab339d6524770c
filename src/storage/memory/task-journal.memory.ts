import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import {
  TaskJournal,
  type JournalQuery,
  type JournalRecord,
  type Recovery,
  type SessionUsage,
} from '../../tasks/journal/task-journal.port';
import type { KeptBinding, KeptDrain } from '../../pools/registry/pool-store.port';
import { endingWith, type StoringTranscript } from '../../tasks/task/storing-transcript';
import type { AdmissionFacts, Placement, TaskEnding, TaskEvent, TaskSpec, TaskState } from '../../tasks/task/task';

/** A journal that ends with its process: for tests, and to measure what durability costs. */
@Injectable()
export class MemoryTaskJournal extends TaskJournal {
  private readonly records = new Map<string, JournalRecord>();
  private readonly copies = new Map<string, TaskEvent[]>();
  private readonly sessions = new Map<string, SessionUsage>();
  private readonly bindings = new Map<string, KeptBinding>();
  private readonly drains = new Map<string, KeptDrain>();
  private readonly notes = new Map<string, string>();
  private lastSeq = 0;

  async recover(): Promise<Recovery> {
    const ended = [...this.records.values()].filter(record => record.ending);
    const live = [...this.records.values()].filter(record => !record.ending).sort(inOrder);
    return {
      live,
      sessions: [...this.sessions.values()],
      bindings: [...this.bindings.values()],
      drains: [...this.drains.values()],
      notes: new Map(this.notes),
      lastSeq: this.lastSeq,
      ...(ended.length > 0 && { lastKeptMs: Math.max(...ended.map(keptFromOf)) }),
      transcripts: [],
    };
  }

  async admit(spec: TaskSpec, facts: AdmissionFacts, evicted?: TaskEnding): Promise<void> {
    if (this.records.has(spec.taskId)) throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
    this.records.set(spec.taskId, { spec, facts, firstTokenMarked: false });
    this.lastSeq = Math.max(this.lastSeq, facts.seq);
    if (evicted) await this.end(evicted);
  }

  async markFirstToken(taskId: string, placement: Placement): Promise<void> {
    const record = this.records.get(taskId);
    if (record && !record.ending) this.records.set(taskId, { ...record, firstTokenMarked: true, placement });
  }

  async end(drafted: TaskEnding, session?: SessionUsage, transcript?: StoringTranscript): Promise<void> {
    transcript?.hurry();
    await transcript?.stored;
    const ending = endingWith(drafted, transcript);
    const record = this.records.get(ending.taskId);
    if (record?.ending && ending.transcriptArtifactId !== undefined)
      await this.nameTranscript(ending.taskId, ending.transcriptArtifactId);
    if (!record || record.ending) return;
    const placement = ending.placement ?? record.placement;
    this.records.set(ending.taskId, {
      spec: { ...record.spec, prompt: '' },
      facts: record.facts,
      firstTokenMarked: record.firstTokenMarked,
      ...(placement && { placement }),
      ending,
    });
    if (ending.transcriptArtifactId !== undefined) this.copies.delete(ending.taskId);
    if (session) this.sessions.set(session.sessionId, mostOf(session, this.sessions.get(session.sessionId)));
  }

  copyEvents(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void {
    const record = this.records.get(taskId);
    if (!record || record.ending?.transcriptArtifactId !== undefined) return;
    let copied = this.copies.get(taskId);
    if (!copied) this.copies.set(taskId, (copied = []));
    if (firstSeq === copied.length + 1) copied.push(...events);
  }

  async readEvents(taskId: string): Promise<readonly TaskEvent[]> {
    return [...(this.copies.get(taskId) ?? [])];
  }

  async nameTranscript(taskId: string, artifactId: string): Promise<void> {
    const record = this.records.get(taskId);
    if (!record?.ending || record.ending.transcriptArtifactId !== undefined) return;
    this.records.set(taskId, { ...record, ending: { ...record.ending, transcriptArtifactId: artifactId } });
    this.copies.delete(taskId);
  }

  async withoutTranscript(limit: number): Promise<readonly string[]> {
    return [...this.copies.keys()].filter(taskId => this.records.get(taskId)?.ending).slice(0, limit);
  }

  async transcriptsStored(): Promise<void> {}

  async find(taskId: string): Promise<JournalRecord | undefined> {
    return this.records.get(taskId);
  }

  /** Without the prompts of live tasks, as a driver on a disk has to. */
  async list({ state, sessionId, afterSeq, limit }: JournalQuery): Promise<readonly JournalRecord[]> {
    return [...this.records.values()]
      .filter(record => state === undefined || stateOf(record) === state)
      .filter(record => sessionId === undefined || record.spec.sessionId === sessionId)
      .filter(({ facts }) => afterSeq === undefined || facts.seq < afterSeq)
      .sort((a, b) => b.facts.seq - a.facts.seq)
      .slice(0, limit)
      .map(record => ({ ...record, spec: { ...record.spec, prompt: '' } }));
  }

  async expire(keptBeforeMs: number, limit: number): Promise<number> {
    const due = [...this.records.values()]
      .filter(({ ending }) => ending && ending.keptFromMs < keptBeforeMs)
      .sort((a, b) => keptFromOf(a) - keptFromOf(b) || a.facts.seq - b.facts.seq)
      .slice(0, limit);
    for (const { spec } of due) {
      this.records.delete(spec.taskId);
      this.copies.delete(spec.taskId);
    }
    return due.length;
  }

  async saveBinding(binding: KeptBinding): Promise<void> {
    this.bindings.set(`${binding.poolId}/${binding.replicaId}`, binding);
  }

  async removeBinding(poolId: string, replicaId: string): Promise<void> {
    this.bindings.delete(`${poolId}/${replicaId}`);
  }

  async saveDrain(drain: KeptDrain): Promise<void> {
    this.drains.set(drain.poolId, drain);
  }

  async removeDrain(poolId: string): Promise<void> {
    this.drains.delete(poolId);
  }

  async saveNote(name: string, text: string): Promise<void> {
    this.notes.set(name, text);
  }

  async forgetSession(sessionId: string): Promise<void> {
    this.sessions.delete(sessionId);
  }

  async close(): Promise<void> {}
}

/** A journal knows no dispatching: until its first token is marked, a live task counts as queued. */
function stateOf({ ending, firstTokenMarked }: JournalRecord): TaskState {
  return ending?.state ?? (firstTokenMarked ? 'streaming' : 'queued');
}

/** Usage only grows: an ending that is written late must not take back what later ones have added. */
function mostOf(usage: SessionUsage, known: SessionUsage | undefined): SessionUsage {
  if (!known) return usage;
  return {
    sessionId: usage.sessionId,
    tokens: Math.max(usage.tokens, known.tokens),
    timeMs: Math.max(usage.timeMs, known.timeMs),
    cost: Math.max(usage.cost, known.cost),
    turns: Math.max(usage.turns, known.turns),
  };
}

function keptFromOf({ ending }: JournalRecord): number {
  return ending?.keptFromMs ?? Infinity;
}

function inOrder({ facts: a }: JournalRecord, { facts: b }: JournalRecord): number {
  return a.orderKey - b.orderKey || a.seq - b.seq;
}
