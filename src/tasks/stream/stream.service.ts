import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { whenClosed } from '../../http/answers/when-closed';
import { Narrator } from '../../observability/narrator';
import { Fallback } from '../dispatch/fallback';
import type { TaskSpec } from '../task/task';
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
    const { spec, ending } = stream.record;
    const leave = ending ? undefined : this.readers.attach(spec);
    const sse = new SseStream(response, stream.feed, stream.afterSeq, this.turns, () => {
      this.streams.remove(seat);
      leave?.();
    });
    const seat = this.streams.add(sse);
    sse.start(headers);
    if (!ending) this.begin(spec, sse, stream.verbose, response);
  }

  private begin({ taskId }: TaskSpec, sse: SseStream, verbose: boolean, response: ServerResponse): void {
    void this.narrator.attend(this.fallback.onStreamOpened(taskId), 'The stand-in could not take a task over.', {
      event: 'fallback_failed',
      job_id: taskId,
    });
    if (!verbose) return;
    const frames = this.waiting.of(taskId).subscribe(frame => {
      if (sse.atStart) sse.pass(Buffer.from(frame));
    });
    whenClosed(response, () => frames.unsubscribe());
  }
}
