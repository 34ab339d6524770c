import { Injectable } from '@nestjs/common';
import { ArtifactStore } from '../../artifacts/artifact-store.port';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import type { TaskRecord } from '../ledger/task-records.port';
import { OwedTranscripts } from '../ending/owed-transcripts';
import { TaskLookup } from '../lookup/task-lookup';
import { lastSeqOf, type TaskEvent } from '../task/task';
import { eventsOf } from '../transcript/transcript';
import { EventLog } from '../events/event-log.port';
import { endedFeed, logFeed, type EventFeed } from './event-feed';
import { canonicalJson } from '../events/task-events';

/** Events that a node can have shown and not passed on before it was no more: of a second or so, from the fastest of engines. */
const LAG_MOST = 10_000;

/** A stream that can be opened: everything that could refuse it has run. */
export interface FoundStream {
  readonly record: TaskRecord;
  readonly feed: EventFeed;
  /** Number of the last event the reader has seen. */
  readonly afterSeq: number;
  /** True when that was the terminal event: there is nothing to send. */
  readonly atEnd: boolean;
  readonly verbose: boolean;
}

/** Finds what a reader can be given: the log of a task while it is here, its transcript after that. */
@Injectable()
export class StreamLookup {
  constructor(
    private readonly lookup: TaskLookup,
    private readonly log: EventLog,
    private readonly artifacts: ArtifactStore,
    private readonly owed: OwedTranscripts,
    private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * @throws ServiceError TASK_NOT_FOUND; TRANSCRIPT_GONE for an ended task whose events are kept no more; INVALID_PARAMS for an
   *   id that this task has not sent
   */
  async find(taskId: string, afterSeq: number, verbose: boolean): Promise<FoundStream> {
    // Readers come back to a service that restarts, and an EventSource takes a 503 for the end: they wait instead.
    await this.lifecycle.started;
    const record = await this.lookup.getAtOnce(taskId);
    const tail = await this.log.tail(taskId);
    if (tail) {
      const mostSeq = tail.mayLag === true ? tail.lastSeq + LAG_MOST : tail.lastSeq;
      if (afterSeq > mostSeq && !tail.terminal) throw notSent();
      const feed = this.logged(taskId, verbose);
      return { record, feed, afterSeq, atEnd: tail.terminal && afterSeq >= tail.lastSeq, verbose };
    }
    const { ended, events } = await this.endedEvents(taskId);
    return { record: ended, feed: endedFeed(events), afterSeq, atEnd: afterSeq >= lastSeqOf(events), verbose };
  }

  /**
   * All events of a task that is known to be there. While its log is, nothing else is looked at.
   * @throws ServiceError as {@link find}
   */
  async feedOf(taskId: string): Promise<EventFeed> {
    if (await this.log.tail(taskId)) return this.logged(taskId, false);
    return endedFeed((await this.endedEvents(taskId)).events);
  }

  private logged(taskId: string, verbose: boolean): EventFeed {
    return logFeed(this.log, taskId, verbose, async () => endedFeed((await this.endedEvents(taskId)).events));
  }

  /** Looked up anew: the task may have ended, and its log gone, since it was found. */
  private async endedEvents(taskId: string): Promise<{ ended: TaskRecord; events: readonly TaskEvent[] }> {
    let ended = await this.lookup.getAtOnce(taskId);
    let transcript = await this.transcriptOf(ended);
    if (transcript === undefined && ended.ending?.transcriptArtifactId === undefined) {
      // It may have been stored, and so be owed no more, between the two looks.
      ended = await this.lookup.getAtOnce(taskId);
      if (ended.ending?.transcriptArtifactId !== undefined) transcript = await this.transcriptOf(ended);
    }
    if (transcript === undefined) throw new ServiceError('TRANSCRIPT_GONE');
    return { ended, events: eventsOf(transcript, value => canonicalJson(value as object)) };
  }

  /** The one that is being stored, else the one that an ending names; while it names none, the one that is owed. */
  private async transcriptOf({ spec, ending, transcript }: TaskRecord): Promise<string | undefined> {
    if (transcript) return transcript.json;
    const id = ending?.transcriptArtifactId;
    return id === undefined ? (await this.owed.read(spec.taskId))?.json : this.artifacts.get(id);
  }
}

function notSent(): ServiceError {
  return new ServiceError('INVALID_PARAMS', {
    field: 'last_event_id',
    message: 'last_event_id must be the id of an event that this stream has sent',
  });
}
