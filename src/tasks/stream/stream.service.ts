import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Narrator } from '../../observability/narrator';
import { Fallback } from '../dispatch/fallback';
import type { LiveTask } from '../live/live-task';
import { OpenStreams } from './open-streams';
import { Readers } from './readers';
import { SseStream } from './sse-stream';
import type { FoundStream } from './stream-lookup';
import { StreamTurns } from './stream-turns';
import { WaitingFrames } from './waiting-frames';

/** Opens streams on tasks that were found, live or ended, and does what a first reader sets off. */
@Injectable()
export class StreamService {
  constructor(
    private readonly fallback: Fallback,
    private readonly readers: Readers,
    private readonly waiting: WaitingFrames,
    private readonly streams: OpenStreams,
    private readonly turns: StreamTurns,
    private readonly narrator: Narrator,
  ) {}

  /** Takes over the response. */
  open(stream: FoundStream, response: ServerResponse, headers: Record<string, string>): void {
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

  private begin(task: LiveTask, sse: SseStream, verbose: boolean, response: ServerResponse): void {
    void this.narrator.attend(this.fallback.onStreamOpened(task), 'The stand-in could not take a task over.', {
      event: 'fallback_failed',
      job_id: task.id,
    });
    if (!verbose || task.state !== 'queued') return;
    const frames = this.waiting.of(task).subscribe(frame => {
      if (sse.atStart) sse.pass(Buffer.from(frame));
    });
    response.once('close', () => frames.unsubscribe());
  }
}
