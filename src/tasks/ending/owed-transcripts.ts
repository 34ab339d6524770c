import { Injectable } from '@nestjs/common';
import { ArtifactStore, type CanonicalDocument } from '../../artifacts/artifact-store.port';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { TaskRecords } from '../ledger/task-records.port';
import { EventLog } from '../events/event-log.port';
import { errorEvent } from '../events/task-events';
import type { HeldTranscript } from '../task/storing-transcript';
import { isTerminal, seqAfterInterruption, type TaskEvent } from '../task/task';
import { transcriptOf } from '../transcript/transcript';

const RETRY_MS = 1000;
/** Characters of transcripts that are held here. Of those beyond only the ids are: they are put together from copied events. */
const HELD_MAX_UNITS = 32 * 1024 * 1024;
/** What comes beyond is found by the next start. */
const OWED_MAX = 10_000;
/** Transcripts that a start stores at once, so that they share writes. */
const RESUMED_AT_ONCE = 256;

/**
 * Transcripts of tasks that have ended, which could not be stored: they are as soon as the store takes them, by this process or, as
 * far as events were copied, by the next. Until then they can be read from here.
 */
@Injectable()
export class OwedTranscripts {
  /** Undefined for one that is not held. */
  private readonly owed = new Map<string, CanonicalDocument | undefined>();
  private heldUnits = 0;
  /** A round is due or under way. One at a time: a disk that hangs must not be given the same work over and over. */
  private retrying = false;
  /** Tasks of those that the process before held. They are held here whatever the bounds: nothing else needs to have them. */
  private readonly inherited = new Set<string>();
  /** What the process before held is held still. */
  private isHeldBefore = false;

  constructor(
    private readonly log: EventLog,
    private readonly artifacts: ArtifactStore,
    private readonly records: TaskRecords,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** Takes over all that is shown of a task, its terminal event too. */
  async owe(taskId: string, events: readonly TaskEvent[]): Promise<void> {
    this.hold(taskId, await transcriptOf(events));
  }

  /** Takes over what the process before has left. What that one held is stored and named when this resolves, if the store takes it. */
  async resume(): Promise<void> {
    await this.inherit(await this.records.heldTranscripts());
    for (const taskId of await this.records.withoutTranscript(OWED_MAX))
      if (!this.owed.has(taskId)) this.hold(taskId, undefined);
  }

  /** What readers can be given meanwhile; undefined too for a task that is owed none. */
  async read(taskId: string): Promise<CanonicalDocument | undefined> {
    if (!this.owed.has(taskId)) return undefined;
    return this.owed.get(taskId) ?? (await this.rebuilt(taskId));
  }

  /** One try for all of them. Never rejects. */
  async storeAll(): Promise<void> {
    await this.storeOwed();
    await this.letGoOfInherited();
  }

  private async storeOwed(): Promise<void> {
    for (const [taskId, held] of [...this.owed]) {
      if (await this.store(taskId, held)) continue;
      // It would fail for the others too; should it be this one alone, it no longer stands in their way.
      this.release(taskId);
      this.hold(taskId, held);
      return;
    }
  }

  private async inherit(held: readonly HeldTranscript[]): Promise<void> {
    if (held.length === 0) return;
    this.isHeldBefore = true;
    this.retrying = true; // This is the first round.
    for (const { taskId, transcript } of held) {
      this.inherited.add(taskId);
      this.hold(taskId, transcript);
    }
    for (let at = 0; at < held.length; at += RESUMED_AT_ONCE) {
      const some = held.slice(at, at + RESUMED_AT_ONCE);
      const stored = await Promise.all(some.map(({ taskId, transcript }) => this.store(taskId, transcript)));
      if (!stored.includes(true)) break;
    }
    await this.letGoOfInherited();
    this.roundOver();
  }

  /** Once all of it is stored and named. Never rejects. */
  private async letGoOfInherited(): Promise<void> {
    if (!this.isHeldBefore || this.inherited.size > 0) return;
    try {
      await this.records.transcriptsStored();
      this.isHeldBefore = false;
    } catch {
      // The next round asks again, or the next start stores what is stored.
    }
  }

  private hold(taskId: string, transcript: CanonicalDocument | undefined): void {
    const isInherited = this.inherited.has(taskId);
    if (this.owed.size >= OWED_MAX && !isInherited) return;
    const units = transcript?.json.length ?? 0;
    const isHeld = isInherited || this.heldUnits + units <= HELD_MAX_UNITS;
    this.owed.set(taskId, isHeld ? transcript : undefined);
    if (isHeld) this.heldUnits += units;
    this.retryLater();
  }

  private release(taskId: string): void {
    this.heldUnits -= this.owed.get(taskId)?.json.length ?? 0;
    this.owed.delete(taskId);
  }

  private retryLater(): void {
    if (this.retrying) return;
    this.retrying = true;
    this.alarms.after(RETRY_MS, () => void this.retry());
  }

  private async retry(): Promise<void> {
    await this.storeAll();
    this.roundOver();
  }

  private roundOver(): void {
    this.retrying = false;
    if (this.owed.size > 0 || this.isHeldBefore) this.retryLater();
  }

  /** False when it has to be tried again. */
  private async store(taskId: string, held: CanonicalDocument | undefined): Promise<boolean> {
    try {
      const transcript = held ?? (await this.rebuilt(taskId));
      if (transcript) {
        await this.artifacts.put(transcript, 'transcript', taskId);
        if (!(await this.records.nameTranscript(taskId, transcript.id))) return false;
      } else {
        const human =
          'The transcript of a task is lost: it could not be stored, nor could all of its events be copied.';
        this.narrator.warn(human, { event: 'transcript_lost', job_id: taskId });
      }
      this.release(taskId);
      this.inherited.delete(taskId);
      return true;
    } catch {
      return false; // The store tells what is wrong with it.
    }
  }

  private async rebuilt(taskId: string): Promise<CanonicalDocument | undefined> {
    const events = await this.log.kept(taskId);
    const last = events.at(-1);
    if (last && isTerminal(last)) return transcriptOf(events);
    const terminal = await this.terminalOf(taskId, events.length);
    return terminal && transcriptOf([...events, terminal]);
  }

  /** The end of a task that failed, as after a kill: past any number that a reader can have seen. */
  private async terminalOf(taskId: string, kept: number): Promise<TaskEvent | undefined> {
    const { code, message } = (await this.records.find(taskId))?.ending ?? {};
    if (code === undefined) return undefined;
    return errorEvent(new ServiceError(code, message === undefined ? {} : { message }), seqAfterInterruption(kept));
  }
}
