import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { TaskEvents } from '../../openai/answers/task-events.service';
import { Finisher } from '../../tasks/ending/finisher';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { failureOf, type ResponseEnd } from '../answers/response-facts';
import { NO_FRAMES, ResponseStream } from '../answers/response-stream';
import { keptItem } from '../requests/conversation-items';
import type { Item } from '../requests/input-items';
import { ConversationRecords } from './conversation-records';
import { ResponseRecords } from './response-records';
import { withItems, withoutTurn } from './stored-conversation';
import type { StoredResponse } from './stored-response';

const SWEEP_MS = 10_000;
const STEP = 100;
/** How often, over a store, all that have not ended are looked at: their nodes may be no more. */
const SWEEP_ALL_MS = 60_000;
/** A record is written within this time of when its response was watched. */
const SETTLED_MS = 60_000;

/**
 * Writes into the record of each response what it came to, once its task has ended: told by the end itself, by whoever asks for the
 * response first, or by the next start. Where nodes share a store a task may end at any of them, so that all look again from time to time.
 * A response whose task is known no more has failed.
 */
@Injectable()
export class ResponseKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  /** Responses that have not ended, by the ids of their tasks, and from when on. */
  private readonly watched = new Map<string, { readonly response: StoredResponse; readonly fromMs: number }>();
  /** Those that are being finished. */
  private readonly finishing = new Map<string, Promise<StoredResponse | undefined>>();
  private ends: Subscription | undefined;

  constructor(
    private readonly config: Config,
    private readonly records: ResponseRecords,
    private readonly conversations: ConversationRecords,
    private readonly events: TaskEvents,
    private readonly finisher: Finisher,
    private readonly runningTime: RunningTime,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  onApplicationBootstrap(): void {
    this.ends = this.finisher.ended$.subscribe(taskId => {
      const found = this.watched.get(taskId);
      if (found) void this.attend(this.finish(found.response));
    });
    void this.lifecycle.started.then(() => this.attend(this.resume()));
  }

  onModuleDestroy(): void {
    this.ends?.unsubscribe();
  }

  /** From before its task is admitted, so that no end is missed. */
  watch(response: StoredResponse): void {
    this.watched.set(response.taskId, { response, fromMs: this.clock.nowMs() });
  }

  unwatch(taskId: string): void {
    this.watched.delete(taskId);
  }

  /** As it stands: with what it came to where its task has ended. */
  async find(id: string): Promise<StoredResponse | undefined> {
    const response = await this.records.find(id);
    if (!response || response.end) return response;
    return (await this.events.hasEnded(response.taskId)) ? this.finish(response) : response;
  }

  /** Those whose tasks have ended elsewhere, or whose node is no more. */
  @Interval(SWEEP_ALL_MS)
  async lookAgain(): Promise<void> {
    if (this.config.store.kind === 'embedded' || !this.lifecycle.isReady) return;
    await this.attend(this.resume());
  }

  @Interval(SWEEP_MS)
  async forgetExpired(): Promise<void> {
    if (!this.lifecycle.isReady) return;
    const keptBeforeMs = this.runningTime.nowMs() - this.config.responseRetentionMs;
    await this.attend(this.records.expire(keptBeforeMs, STEP));
  }

  private async resume(): Promise<void> {
    const unfinished = await this.records.unfinished();
    const isOpen = new Set(unfinished.map(({ taskId }) => taskId));
    for (const response of unfinished) {
      if (!this.watched.has(response.taskId)) this.watch(response);
      if (await this.events.hasEnded(response.taskId)) await this.finish(response);
    }
    // Another node has written those; of those that are just being admitted the record may be on its way.
    const settledMs = this.clock.nowMs() - SETTLED_MS;
    for (const [taskId, { fromMs }] of this.watched)
      if (!isOpen.has(taskId) && fromMs < settledMs) this.unwatch(taskId);
  }

  private finish(response: StoredResponse): Promise<StoredResponse | undefined> {
    const { taskId } = response;
    const known = this.finishing.get(taskId);
    if (known) return known;
    const finishing = this.finished(response).finally(() => this.finishing.delete(taskId));
    this.finishing.set(taskId, finishing);
    return finishing;
  }

  private async finished(response: StoredResponse): Promise<StoredResponse | undefined> {
    const stream = new ResponseStream(response, this.clock, NO_FRAMES);
    try {
      await this.events.each(response.taskId, event => stream.take(event));
    } catch (thrown) {
      if (!(thrown instanceof ServiceError) || !gone.has(thrown.code)) throw thrown;
    }
    const end = stream.end ?? failureOf([], lost);
    // First: a record that says how it ended says so of its conversation too, whenever the service is killed.
    if (response.conversationId !== undefined) await this.takeUp(response.conversationId, response, end);
    const finished = await this.records.finish(response, end);
    this.unwatch(response.taskId);
    return finished;
  }

  /**
   * Puts what was said into its conversation, as long as the turn is the response's: so it is done once. What failed or was cancelled has said
   * nothing: it is asked again.
   */
  private async takeUp(conversationId: string, { id, items }: StoredResponse, end: ResponseEnd): Promise<void> {
    const isSaid = end.status === 'completed' || end.status === 'incomplete';
    const said = isSaid ? [...items, ...(end.output as Item[])].map(keptItem) : [];
    await this.conversations.change(conversationId, conversation =>
      conversation.turn?.responseId === id ? withItems(withoutTurn(conversation), said) : undefined,
    );
  }

  private attend(work: Promise<unknown>): Promise<void> {
    const human = 'A response could not be kept; it is tried again when it is asked for, and at the next start.';
    return this.narrator.attend(work, human, { event: 'response_not_kept' });
  }
}

const gone: ReadonlySet<string> = new Set(['TASK_NOT_FOUND', 'TRANSCRIPT_GONE']);
const lost = new ServiceError('ORCHESTRATOR_RESTARTED', {
  message: 'What this response put out is not there any more.',
});
