import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { Admission } from '../../tasks/admission/admission.service';
import { Canceller } from '../../tasks/ending/canceller';
import { eventsIn } from '../../tasks/events/sse-frame';
import type { StartedData } from '../../tasks/events/task-events';
import type { TaskSpec } from '../../tasks/task/task';
import type { EventFeed } from '../../tasks/stream/event-feed';
import { OpenStreams } from '../../tasks/stream/open-streams';
import { Readers } from '../../tasks/stream/readers';
import { SseStream } from '../../tasks/stream/sse-stream';
import { StreamLookup } from '../../tasks/stream/stream-lookup';
import { StreamTurns } from '../../tasks/stream/stream-turns';
import { errorOf } from './event-error';
import { LogWaits, type Awaited, type WaitOutcome } from './log-waits';
import { RenderedFeed } from './rendered-feed';
import { JsonText, type EventSum, type Rendering } from './rendering';

/** Read at once. */
const PIECE_BYTES = 64 * 1024;

/**
 * Answers a request with what its task puts out, in the form of whichever API it came by. Whoever asked is the task's reader: when it leaves, at whatever
 * stage, the engine's work ends at once.
 */
@Injectable()
export class TaskAnswers {
  constructor(
    private readonly config: Config,
    private readonly waits: LogWaits,
    private readonly lookup: StreamLookup,
    private readonly readers: Readers,
    private readonly streams: OpenStreams,
    private readonly turns: StreamTurns,
    private readonly canceller: Canceller,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to the answer once the task has ended, as what is to be sent; to undefined where nobody waits for it any more.
   * @throws ServiceError the one that the task ended with
   */
  async whole({ spec }: Admission, sum: EventSum, reply: FastifyReply): Promise<unknown> {
    if (!(await this.attended('end', spec, undefined, reply))) return undefined;
    const feed = await this.lookup.feedOf(spec.taskId);
    let at = 0;
    for (;;) {
      const chunk = await feed.read(at, PIECE_BYTES);
      if (!chunk) break;
      for (const event of eventsIn(chunk.frames)) {
        if (event.type === 'started') tellPlace(reply, event.data);
        sum.take(event);
      }
      at = chunk.lastSeq;
      if (chunk.terminal) break;
    }
    const answer = sum.answer();
    if (!(answer instanceof JsonText)) return answer;
    void reply.header('Content-Type', 'application/json; charset=utf-8');
    return `${answer.text}\n`; // As every answer ends.
  }

  /**
   * Streams the task's output. The head waits for the first of it, so that a refusal has its status, and for `ORCHD_FIRST_BYTE_MS` at
   * most.
   * @throws ServiceError the one that the task ended with before it put anything out
   */
  async stream({ spec }: Admission, rendering: Rendering, reply: FastifyReply): Promise<void> {
    if (!(await this.attended('output', spec, this.config.firstByteMs, reply))) return;
    const feed = await this.lookup.feedOf(spec.taskId);
    await this.lookAtFirst(feed, reply);
    this.open(spec, this.rendered(spec, feed, rendering), rendering, reply);
  }

  /** Streams what there is and what comes, from the first event on, to one who may leave and come back. */
  async follow(taskId: string, rendering: Rendering, reply: FastifyReply): Promise<void> {
    const { feed, record } = await this.lookup.find(taskId, 0, false);
    this.open(record.spec, this.rendered(record.spec, feed, rendering), rendering, reply, false);
  }

  private rendered({ taskId }: TaskSpec, feed: EventFeed, rendering: Rendering): RenderedFeed {
    return new RenderedFeed(feed, rendering, cause =>
      this.narrator.fail(
        'A stream ended for an event that could not be shown.',
        { event: 'event_not_shown', job_id: taskId },
        cause,
      ),
    );
  }

  /** What comes first says where the task runs, or why it does not. */
  private async lookAtFirst(feed: EventFeed, reply: FastifyReply): Promise<void> {
    const chunk = await feed.read(0, 1);
    for (const { type, data } of chunk ? eventsIn(chunk.frames) : []) {
      if (type === 'started') tellPlace(reply, data);
      else if (type === 'error') throw errorOf(data);
      return;
    }
  }

  private open(spec: TaskSpec, feed: RenderedFeed, rendering: Rendering, reply: FastifyReply, isItsOwn = true): void {
    const leave = this.readers.attach(spec);
    reply.hijack();
    const stream = new SseStream(
      reply.raw,
      feed,
      0,
      this.turns,
      () => {
        this.streams.remove(seat);
        leave(false);
        if (isItsOwn && !feed.hasEnded) this.giveUp(spec);
      },
      {
        ...(rendering.contentType !== undefined && { contentType: rendering.contentType }),
        opening: Buffer.from(rendering.opening()),
        // What they say goes by what was said before.
        get keepAlive() {
          return Buffer.from(rendering.keepAlive());
        },
        get farewell() {
          return Buffer.from(rendering.fault(new ServiceError('SHUTTING_DOWN')));
        },
      },
    );
    const seat = this.streams.add(stream);
    stream.start(reply.getHeaders() as Record<string, string>);
  }

  /**
   * Waits as a reader of the task; false where its client has left, and so it is given up.
   * @throws ServiceError SHUTTING_DOWN
   */
  private async attended(
    awaited: Awaited,
    spec: TaskSpec,
    waitMs: number | undefined,
    reply: FastifyReply,
  ): Promise<boolean> {
    const leave = this.readers.attach(spec);
    const outcome: WaitOutcome = await this.waits.until(awaited, spec.taskId, waitMs, reply.raw);
    leave(false);
    if (outcome === 'closing') throw new ServiceError('SHUTTING_DOWN');
    if (outcome !== 'client left') return true;
    this.giveUp(spec);
    reply.hijack();
    reply.raw.destroy();
    return false;
  }

  private giveUp({ taskId }: TaskSpec): void {
    void this.narrator.attend(
      this.canceller.cancel(taskId, 'disconnect'),
      'A task whose client left could not be cancelled.',
      { event: 'task_not_cancelled', job_id: taskId },
    );
  }
}

function tellPlace(reply: FastifyReply, started: string): void {
  const { pool_id: pool, replica_id: replica } = JSON.parse(started) as StartedData;
  void reply.headers({ 'X-Orchd-Pool': pool, 'X-Orchd-Replica': replica });
}
