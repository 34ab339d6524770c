import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import type { EventFeed } from '../stream/event-feed';
import { eventsIn, type NumberedEvent } from '../events/sse-frame';
import { fragmentsOf, type Fragment } from '../events/fragment';
import type { EndData } from '../events/task-events';
import { StreamLookup } from '../stream/stream-lookup';
import type { TaskSpec } from '../task/task';
import { JoinedChoice } from './joined-choice';

/** Read at once; other work gets its turn after each. */
const CHUNK_BYTES = 64 * 1024;
/** Of the text, in UTF-8. */
export const OUTPUT_MAX_BYTES = 1024 * 1024;

/** What a task has put out as far as it has come: the text of its tokens, and of its deltas what the first choice says. */
export interface OutputText {
  readonly text: string;
  /** More has come than fits: it is in the events after {@link lastSeq}. */
  readonly truncated: boolean;
  /** Number of the last event that is in it. */
  readonly lastSeq: number;
  /**
   * Where there is more to it than text: tool calls, reasoning, logprobs, several choices. Each as OpenAI's API has a choice; the fragments
   * that they are made of are at most {@link OUTPUT_MAX_BYTES}.
   */
  readonly choices?: readonly object[];
  /** Of an operation whose output comes at once. It is bounded by the task's log alone. */
  readonly result?: object;
}

/** Reads the output of tasks, live and ended, from their events. */
@Injectable()
export class OutputReader {
  constructor(private readonly streams: StreamLookup) {}

  /**
   * Undefined where the events of the task are kept no more.
   * @throws ServiceError TASK_NOT_FOUND
   */
  async read({ taskId, operation }: Pick<TaskSpec, 'taskId' | 'operation'>): Promise<OutputText | undefined> {
    const feed = await this.feedOf(taskId);
    if (!feed) return undefined;
    const gathered = new Gathered(operation === 'chat');
    for (;;) {
      const chunk = await feed.read(gathered.lastSeq, CHUNK_BYTES);
      if (!chunk) break;
      for (const event of eventsIn(chunk.frames)) if (!gathered.take(event)) return gathered.output(true);
      if (chunk.terminal) break;
      await setImmediate();
    }
    return gathered.output(false);
  }

  private async feedOf(taskId: string): Promise<EventFeed | undefined> {
    try {
      return (await this.streams.find(taskId, 0, false)).feed;
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'TRANSCRIPT_GONE') return undefined;
      throw thrown;
    }
  }
}

class Gathered {
  lastSeq = 0;
  private bytes = 0;
  private readonly pieces: string[] = [];
  private readonly choices = new Map<number, JoinedChoice>();
  private hasMore = false;
  private result: object | undefined;
  private finish: string | null = null;

  constructor(private readonly isChat: boolean) {}

  /** False when it does not fit any more. */
  take({ seq, type, data }: NumberedEvent): boolean {
    switch (type) {
      case 'token': {
        const text = (JSON.parse(data) as { readonly t: string }).t;
        if (!this.fits(text)) return false;
        this.pieces.push(text);
        this.choice(0).say(text);
        break;
      }
      case 'delta':
        if (!this.fits(data)) return false;
        for (const fragment of fragmentsOf(data)) this.takeFragment(fragment);
        break;
      case 'result':
        this.result = JSON.parse(data) as object;
        break;
      case 'end':
        this.finish = (JSON.parse(data) as EndData).finish_reason;
        break;
      case 'error':
      case 'started':
      case 'metrics':
    }
    this.lastSeq = seq;
    return true;
  }

  output(truncated: boolean): OutputText {
    const { pieces, lastSeq, hasMore, result } = this;
    const choices = hasMore && this.allChoices();
    return { text: pieces.join(''), truncated, lastSeq, ...(choices && { choices }), ...(result && { result }) };
  }

  private takeFragment(fragment: Fragment): void {
    const { index, text, delta } = fragment;
    this.hasMore = true;
    this.choice(index).take(fragment);
    const said = text ?? delta?.['content'];
    if (index === 0 && typeof said === 'string') this.pieces.push(said);
  }

  private allChoices(): readonly object[] {
    return [...this.choices]
      .sort(([a], [b]) => a - b)
      .map(([index, choice]) => {
        const finish = choice.finish ?? this.finish;
        return this.isChat ? choice.chat(index, finish) : choice.completion(index, finish);
      });
  }

  private choice(index: number): JoinedChoice {
    const known = this.choices.get(index) ?? new JoinedChoice();
    this.choices.set(index, known);
    return known;
  }

  private fits(piece: string): boolean {
    const bytes = Buffer.byteLength(piece);
    if (this.bytes + bytes > OUTPUT_MAX_BYTES) return false;
    this.bytes += bytes;
    return true;
  }
}
