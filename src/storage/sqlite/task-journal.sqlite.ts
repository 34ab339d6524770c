import { Injectable } from '@nestjs/common';
import { join } from 'node:path';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import {
  TaskJournal,
  type JournalQuery,
  type JournalRecord,
  type Recovery,
  type SessionUsage,
} from '../../tasks/journal/task-journal.port';
import type { KeptBinding, KeptDrain } from '../../pools/registry/pool-store.port';
import { endingWith, type StoringTranscript } from '../../tasks/task/storing-transcript';
import type { AdmissionFacts, Placement, TaskEnding, TaskEvent, TaskSpec } from '../../tasks/task/task';
import { EventCopier } from './event-copier';
import { decodeEvents } from './tables/event-lines';
import { assertNoMove } from './opening/unfinished-move';
import { JournalThread } from './journal-thread';
import type {
  EventBatch,
  Expired,
  FoundRow,
  LedgerRequest,
  Note,
  OpenedLedger,
  ReaderRequest,
} from './tables/protocol';
import {
  decodeBinding,
  decodeDrain,
  decodeRecord,
  decodeSession,
  encodeAdmission,
  encodeEnding,
  encodePlacement,
  stateNumberOf,
} from './tables/record-codec';
import type { TaskRow } from './tables/rows';

/**
 * The journal on SQLite, in the folder `journal` of the data folder.
 *
 * Nothing here touches the disk: one thread writes and syncs (see Ledger), another reads and copies events and never waits
 * for a sync. Either ending by itself ends the process, for what was being written is then unknown, and the next start finds out.
 */
@Injectable()
export class SqliteTaskJournal extends TaskJournal {
  private ledger: JournalThread<LedgerRequest> | undefined;
  private reader: JournalThread<ReaderRequest> | undefined;
  private readonly copier = new EventCopier(batch => this.sendCopies(batch));

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
  }

  /** @throws JournalError when the journal is in use, damaged beyond use, or of a newer version */
  async recover(): Promise<Recovery> {
    assertNoMove(this.config.dataDir);
    const folder = join(this.config.dataDir, 'journal');
    this.ledger = new JournalThread('ledger.worker', note => this.tell(note), crash);
    this.reader = new JournalThread('reader.worker', note => this.tell(note), crash);
    try {
      const opened = (await this.ledger.call({ kind: 'open', folder })) as OpenedLedger;
      await this.reader.call({ kind: 'open', folder });
      return this.recoveryOf(opened);
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  async admit(spec: TaskSpec, facts: AdmissionFacts, evicted?: TaskEnding): Promise<void> {
    const task = encodeAdmission(spec, facts);
    await this.write(evicted ? { kind: 'admit', task, evicted: encodeEnding(evicted) } : { kind: 'admit', task });
    this.copier.admit(spec.taskId);
    if (evicted) this.dropEvents(evicted);
  }

  async markFirstToken(taskId: string, placement: Placement): Promise<void> {
    await this.write({ kind: 'mark', taskId, placement: encodePlacement(placement) });
  }

  async end(drafted: TaskEnding, session?: SessionUsage, transcript?: StoringTranscript): Promise<void> {
    if (transcript) await transcript.stored;
    const ending = endingWith(drafted, transcript);
    const task = encodeEnding(ending);
    await this.write(session ? { kind: 'end', task, session } : { kind: 'end', task });
    this.dropEvents(ending);
  }

  copyEvents(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void {
    this.copier.copy(taskId, firstSeq, events);
  }

  async readEvents(taskId: string): Promise<readonly TaskEvent[]> {
    await this.copier.flush();
    return decodeEvents((await this.read({ kind: 'events', taskId })) as string[]);
  }

  async nameTranscript(taskId: string, artifactId: string): Promise<void> {
    const isNamed = (await this.write({ kind: 'transcript', taskId, artifactId })) as boolean;
    if (isNamed) this.copier.drop(taskId);
  }

  async withoutTranscript(limit: number): Promise<readonly string[]> {
    await this.copier.flush();
    return (await this.read({ kind: 'copied', limit })) as string[];
  }

  async transcriptsStored(): Promise<void> {}

  async find(taskId: string): Promise<JournalRecord | undefined> {
    const found = (await this.read({ kind: 'find', taskId })) as FoundRow | undefined;
    return found && decodeRecord(found.task, found.prompt);
  }

  /** Records of live tasks come without their prompts: a page of them could be larger than memory should hold. */
  async list({ state, sessionId, afterSeq, limit }: JournalQuery): Promise<readonly JournalRecord[]> {
    const stateNumber = state && stateNumberOf(state);
    if (state && stateNumber === undefined) return [];
    const rows = await this.read({ kind: 'list', query: { state: stateNumber, sessionId, afterSeq, limit } });
    return (rows as TaskRow[]).map(row => decodeRecord(row));
  }

  async expire(keptBeforeMs: number, limit: number): Promise<number> {
    const { count, withEvents } = (await this.write({ kind: 'expire', keptBeforeMs, limit })) as Expired;
    for (const taskId of withEvents) this.copier.drop(taskId);
    return count;
  }

  async saveBinding(binding: KeptBinding): Promise<void> {
    await this.write({ kind: 'bind', binding });
  }

  async removeBinding(poolId: string, replicaId: string): Promise<void> {
    await this.write({ kind: 'unbind', poolId, replicaId });
  }

  async saveDrain(drain: KeptDrain): Promise<void> {
    await this.write({ kind: 'drain', drain });
  }

  async removeDrain(poolId: string): Promise<void> {
    await this.write({ kind: 'undrain', poolId });
  }

  async saveNote(name: string, text: string): Promise<void> {
    await this.write({ kind: 'note', name, text });
  }

  /** What a session has used, without a task that ends: as a move brings it. */
  async saveSession(session: SessionUsage): Promise<void> {
    await this.write({ kind: 'spend', session });
  }

  async forgetSession(sessionId: string): Promise<void> {
    await this.write({ kind: 'forget', sessionId });
  }

  async close(): Promise<void> {
    await this.copier.flush();
    // The writer goes last: its connection takes the write-ahead log with it.
    await this.reader?.close({ kind: 'close' });
    await this.ledger?.close({ kind: 'close' });
  }

  private recoveryOf({ live, sessions, bindings, drains, notes, lastSeq, lastKeptMs }: OpenedLedger): Recovery {
    const records = live.map(({ task, prompt }) => decodeRecord(task, prompt));
    for (const { spec } of records) this.copier.admit(spec.taskId);
    return {
      live: records.sort(({ facts: a }, { facts: b }) => a.orderKey - b.orderKey || a.seq - b.seq),
      sessions: sessions.map(decodeSession),
      bindings: bindings.map(decodeBinding),
      drains: drains.map(decodeDrain),
      notes: new Map(notes.map(([name, text]) => [name, text])),
      lastSeq,
      ...(lastKeptMs !== undefined && { lastKeptMs }),
      transcripts: [],
    };
  }

  private dropEvents({ taskId, transcriptArtifactId }: TaskEnding): void {
    if (transcriptArtifactId !== undefined) this.copier.drop(taskId);
  }

  private async sendCopies(batch: EventBatch): Promise<void> {
    await this.read({ kind: 'copy', batch }).catch(() => undefined); // Best effort: the thread tells what is wrong.
  }

  private write(request: LedgerRequest): Promise<unknown> {
    return this.ledger?.call(request) ?? Promise.reject(notOpen());
  }

  private read(request: ReaderRequest): Promise<unknown> {
    return this.reader?.call(request) ?? Promise.reject(notOpen());
  }

  private tell({ level, human, fields }: Note): void {
    this.narrator[level](human, fields);
  }
}

function notOpen(): ServiceError {
  return new ServiceError('STORAGE_UNAVAILABLE', {}, new Error('the journal is not open'));
}

function crash(cause: Error): void {
  setImmediate(() => {
    throw new Error(
      'The journal stopped working; the process ends so that the next start can find out what is stored.',
      { cause },
    );
  });
}
