import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ArtifactStore } from '../../artifacts/artifact-store.port';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Lifecycle } from '../../meta/lifecycle';
import { Fallback } from '../dispatch/fallback';
import type { LiveTask } from '../live/live-task';
import { TaskLookup, type FoundTask } from '../lookup/task-lookup';
import { lastSeqOf, type TaskEvent } from '../task';
import { eventsOf } from '../transcript/transcript';
import { EventLog } from './event-log.port';
import { endedSource, logSource, type EventSource } from './event-source';
import { OpenStreams } from './open-streams';
import { Readers } from './readers';
import { SseStream } from './sse-stream';
import { canonicalJson } from './task-events';
import { StreamTurns } from './stream-turns';
import { WaitingFrames } from './waiting-frames';

/** A stream that can be opened: everything that could refuse it has run. */
export interface ReadableStreamOfTask extends FoundTask {
  readonly source: EventSource;
  /** Number of the last event the reader has seen. */
  readonly afterSeq: number;
  /** True when that was the terminal event: there is nothing to send. */
  readonly atEnd: boolean;
  readonly verbose: boolean;
}

/** Opens streams on tasks: live or ended, from the start or after the last event a reader has seen. */
@Injectable()
export class StreamService {
  constructor(
    private readonly lookup: TaskLookup,
    private readonly log: EventLog,
    private readonly artifacts: ArtifactStore,
    private readonly fallback: Fallback,
    private readonly readers: Readers,
    private readonly waiting: WaitingFrames,
    private readonly streams: OpenStreams,
    private readonly lifecycle: Lifecycle,
    private readonly turns: StreamTurns,
    private readonly narrator: Narrator,
  ) {}

  /**
   * @throws ServiceError TASK_NOT_FOUND; TRANSCRIPT_GONE for an ended task whose events are kept no more; INVALID_PARAMS for an
   *   id that this task has not sent
   */
  async find(taskId: string, afterSeq: number, verbose: boolean): Promise<ReadableStreamOfTask> {
    // Readers come back to a service that restarts, and an EventSource takes a 503 for the end: they wait instead.
    await this.lifecycle.started;
    const found = await this.lookup.get(taskId);
    const tail = await this.log.tail(taskId);
    if (tail) {
      if (afterSeq > tail.lastSeq && !tail.terminal) throw notSent();
      const source = logSource(this.log, taskId, verbose, async () =>
        endedSource((await this.endedEvents(taskId)).events),
      );
      return { ...found, source, afterSeq, atEnd: tail.terminal && afterSeq >= tail.lastSeq, verbose };
    }
    const { ended, events } = await this.endedEvents(taskId);
    return { ...ended, source: endedSource(events), afterSeq, atEnd: afterSeq >= lastSeqOf(events), verbose };
  }

  /** Takes over the response. */
  open(stream: ReadableStreamOfTask, response: ServerResponse, headers: Record<string, string>): void {
    const task = stream.live;
    const leave = task && this.readers.attach(task);
    const sse = new SseStream(response, stream.source, stream.afterSeq, this.turns, () => {
      this.streams.remove(sse);
      leave?.();
    });
    this.streams.add(sse);
    sse.start({
      ...headers,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    if (task) this.begin(task, sse, stream.verbose, response);
  }

  /** Looked up anew: the task may have ended, and its log gone, since it was found. */
  private async endedEvents(taskId: string): Promise<{ ended: FoundTask; events: readonly TaskEvent[] }> {
    const ended = await this.lookup.get(taskId);
    const artifactId = ended.record.ending?.transcriptArtifactId;
    const transcript = artifactId === undefined ? undefined : await this.artifacts.get(artifactId);
    if (transcript === undefined) throw new ServiceError('TRANSCRIPT_GONE');
    return { ended, events: eventsOf(transcript, value => canonicalJson(value as object)) };
  }

  private begin(task: LiveTask, sse: SseStream, verbose: boolean, response: ServerResponse): void {
    void this.narrator.attend(this.fallback.onStreamOpened(task), 'The stand-in could not take a task over.', {
      event: 'fallback_failed',
      job_id: task.id,
    });
    if (!verbose || task.state !== 'queued') return;
    const frames = this.waiting.of(task).subscribe(frame => {
      if (sse.atStart) sse.pass(frame);
    });
    response.once('close', () => frames.unsubscribe());
  }
}

function notSent(): ServiceError {
  return new ServiceError('INVALID_PARAMS', {
    field: 'last_event_id',
    message: 'last_event_id must be the id of an event that this stream has sent',
  });
}
