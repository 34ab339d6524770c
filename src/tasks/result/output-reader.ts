import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import type { EventFeed } from '../stream/event-feed';
import { eventsIn, type NumberedEvent } from '../events/sse-frame';
import { StreamLookup } from '../stream/stream-lookup';

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
  async read(taskId: string): Promise<OutputText | undefined> {
    const feed = await this.feedOf(taskId);
    if (!feed) return undefined;
    const gathered = new Gathered();
    for (;;) {
      const chunk = await feed.read(gathered.lastSeq, CHUNK_BYTES);
      if (!chunk) break;
      for (const event of eventsIn(chunk.frames)) if (!gathered.take(event)) return gathered.text(true);
      if (chunk.terminal) break;
      await setImmediate();
    }
    return gathered.text(false);
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
  private result: object | undefined;

  /** False when it does not fit any more. */
  take({ seq, type, data }: NumberedEvent): boolean {
    const piece = pieceOf(type, data);
    if (piece !== '') {
      const bytes = Buffer.byteLength(piece);
      if (this.bytes + bytes > OUTPUT_MAX_BYTES) return false;
      this.bytes += bytes;
      this.pieces.push(piece);
    }
    if (type === 'result') this.result = JSON.parse(data) as object;
    this.lastSeq = seq;
    return true;
  }

  text(truncated: boolean): OutputText {
    const { pieces, lastSeq, result } = this;
    return { text: pieces.join(''), truncated, lastSeq, ...(result && { result }) };
  }
}

interface Delta {
  readonly choices: readonly {
    readonly index?: number;
    readonly text?: unknown;
    readonly delta?: { readonly content?: unknown };
  }[];
}

function pieceOf(type: NumberedEvent['type'], data: string): string {
  if (type === 'token') return (JSON.parse(data) as { readonly t: string }).t;
  if (type !== 'delta') return '';
  const texts = (JSON.parse(data) as Delta).choices
    .filter(({ index = 0 }) => index === 0)
    .map(({ text, delta }) => text ?? delta?.content);
  return texts.filter(text => typeof text === 'string').join('');
}
