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
import { KeptFile } from '../../files/kept-file';
import { EventCopier } from './event-copier';
import { decodeEvents } from './tables/event-lines';
import { assertNoMove } from './opening/unfinished-move';
import { FilesGone } from './file/journal-error';
import { files } from './file/journal-file';
import { JournalThread } from './journal-thread';
import { JournalWriter } from './journal-writer';
import { CommitLog } from './log/commit-log';
import { KnownIds } from './log/known-ids';
import { recordWith } from './log/logged-record';
import { logNote } from './notes';
import { Echo } from './tables/echo';
import type {
  EventBatch,
  Expired,
  FoundRow,
  IdHashes,
  LedgerRequest,
  Note,
  OpenedLedger,
  ReaderRequest,
  WriteRequest,
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
 * What tasks do all the time is acknowledged once the commit log has it (see JournalWriter). One thread writes and syncs the database
 * (see Ledger). Another reads there and copies events, and never waits for a sync; to what it reads for a lookup the writes are added that
 * the database does not have yet, and a list waits until it has all that is acknowledged. Either ending by itself ends the process, for
 * what was being written is then unknown, and the next start finds out.
 */
@Injectable()
export class SqliteTaskJournal extends TaskJournal {
  private ledger: JournalThread<LedgerRequest> | undefined;
  private reader: JournalThread<ReaderRequest> | undefined;
  private writer: JournalWriter | undefined;
  private kept: readonly KeptFile[] = [];
  private readonly ids = new KnownIds((afterSeq, limit) => this.readIds(afterSeq, limit));
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
    const { folder } = this;
    const ledger = new JournalThread<LedgerRequest>('ledger.worker', note => this.tell(note), crash);
    this.ledger = ledger;
    this.reader = new JournalThread('reader.worker', note => this.tell(note), crash);
    try {
      const opened = (await ledger.call({ kind: 'open', folder })) as OpenedLedger;
      await this.reader.call({ kind: 'open', folder });
      const { lastChange, hasRoom, transcripts } = opened;
      this.writer = new JournalWriter(request => ledger.call(request), this.ids, lastChange, hasRoom);
      if (transcripts.length === 0) this.useLog();
      void this.ids.load();
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
    if (transcript && transcript.isStored === undefined && this.writer?.takesTranscript(transcript.json.length)) {
      await this.write({ kind: 'end', task: encodeEnding(drafted), session }, transcript);
      if (transcript.isStored !== undefined) this.dropEvents(endingWith(drafted, transcript));
      else void transcript.stored.then(() => this.dropEvents(endingWith(drafted, transcript)));
      return;
    }
    transcript?.hurry();
    await transcript?.stored;
    const ending = endingWith(drafted, transcript);
    await this.write({ kind: 'end', task: encodeEnding(ending), session });
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
    return (await this.readSettled({ kind: 'copied', limit })) as string[];
  }

  async transcriptsStored(): Promise<void> {
    this.useLog();
  }

  async find(taskId: string): Promise<JournalRecord | undefined> {
    // Before the database is asked, which may have some of them by then: what is applied twice changes nothing.
    const entries = [...(this.writer?.entriesOf(taskId) ?? [])];
    const isAdmitted = entries.some(({ write }) => write.kind === 'admit' && write.task.taskId === taskId);
    const found = isAdmitted ? undefined : await this.read({ kind: 'find', taskId });
    return recordWith(found as FoundRow | undefined, entries, taskId);
  }

  /** Records of live tasks come without their prompts: a page of them could be larger than memory should hold. */
  async list({ state, sessionId, afterSeq, limit }: JournalQuery): Promise<readonly JournalRecord[]> {
    const stateNumber = state && stateNumberOf(state);
    if (state && stateNumber === undefined) return [];
    const rows = await this.readSettled({ kind: 'list', query: { state: stateNumber, sessionId, afterSeq, limit } });
    return (rows as TaskRow[]).map(row => decodeRecord(row));
  }

  async expire(keptBeforeMs: number, limit: number): Promise<number> {
    const { count, withEvents } = (await this.write({ kind: 'expire', keptBeforeMs, limit })) as Expired;
    for (const taskId of withEvents) this.copier.drop(taskId);
    this.ids.forget(count);
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
    this.ids.stop();
    await this.writer?.close();
    // The thread that writes goes last: its connection takes the write-ahead log with it.
    await this.reader?.close({ kind: 'close' });
    await this.ledger?.close({ kind: 'close' });
    await this.writer?.closeLog();
    for (const file of this.kept) file.close();
    this.kept = [];
  }

  private recoveryOf({
    live,
    sessions,
    bindings,
    drains,
    notes,
    lastSeq,
    lastKeptMs,
    transcripts,
  }: OpenedLedger): Recovery {
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
      transcripts,
    };
  }

  private dropEvents({ taskId, transcriptArtifactId }: TaskEnding): void {
    if (transcriptArtifactId !== undefined) this.copier.drop(taskId);
  }

  private async sendCopies(batch: EventBatch): Promise<void> {
    await this.read({ kind: 'copy', batch }).catch(() => undefined); // Best effort: the thread tells what is wrong.
  }

  private get folder(): string {
    return join(this.config.dataDir, 'journal');
  }

  /** Until the commit log is there, everything goes to the database at once. */
  private useLog(): void {
    try {
      const echo = Echo.open(join(this.folder, files.logEcho));
      echo.clear();
      const log = CommitLog.create(this.folder, () => this.assertInPlace());
      this.kept = files.commits.map(name => new KeptFile(join(this.folder, name)));
      this.writer?.use(log, echo);
    } catch (thrown) {
      this.tell(logNote(thrown));
    }
  }

  private assertInPlace(): void {
    const missing = this.kept.find(file => !file.isInPlace);
    if (missing) throw new FilesGone(missing.path);
  }

  private write(request: WriteRequest, transcript?: StoringTranscript): Promise<unknown> {
    return this.writer?.write(request, transcript) ?? Promise.reject(notOpen());
  }

  /** What is acknowledged is there. @throws ServiceError STORAGE_UNAVAILABLE where it cannot be now */
  private async readSettled(request: ReaderRequest): Promise<unknown> {
    if ((await this.writer?.settled()) === false) throw new ServiceError('STORAGE_UNAVAILABLE');
    return this.read(request);
  }

  private async readIds(afterSeq: number, limit: number): Promise<IdHashes> {
    return (await this.read({ kind: 'ids', afterSeq, limit })) as IdHashes;
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
