import type { Operation } from '../../engines/engine-adapter.port';
import { toOpenaiError } from '../../errors/openai-error';
import type { ServiceError } from '../../errors/service-error';
import { fragmentsOf, type Fragment } from '../../tasks/events/fragment';
import type { EndData } from '../../tasks/events/task-events';
import { finishOf, usageOf, type AnswerFacts } from './answer-facts';
import { textJsonOf, withReasoning } from './choice';
import { errorOf } from './event-error';
import type { Rendering, ShownEvent } from './rendering';

/** What a stream's reader has asked for. */
export interface ChunkWish {
  readonly operation: Operation;
  readonly choices: number;
  readonly includeUsage: boolean;
}

const DONE = 'data: [DONE]\n\n';

/**
 * The events of one task as the chunks of OpenAI's streams: first the role of each choice, then what comes, then why each choice
 * ended, then usage where it is wanted, then `[DONE]`. A task that failed says so in a frame of its own, and that is the end.
 */
export class Chunks implements Rendering {
  private readonly head: string;
  private readonly tail: string;
  /** Around the text of the only choice. */
  private readonly beforeText: string;
  private readonly afterText: string;
  private readonly isChat: boolean;
  private readonly callers = new Set<number>();
  private readonly ended = new Set<number>();

  constructor(
    { id, created, model }: AnswerFacts,
    private readonly wish: ChunkWish,
  ) {
    this.isChat = wish.operation === 'chat';
    const object = this.isChat ? 'chat.completion.chunk' : 'text_completion';
    const [idText, modelText] = [JSON.stringify(id), JSON.stringify(model)];
    this.head = `data: {"id":${idText},"object":"${object}","created":${created},"model":${modelText},"choices":`;
    this.tail = wish.includeUsage ? ',"usage":null}\n\n' : '}\n\n';
    this.beforeText = `${this.head}[{"index":0,${this.isChat ? '"delta":{"content":' : '"text":'}`;
    this.afterText = `${this.isChat ? '}' : ''},"logprobs":null,"finish_reason":null}]${this.tail}`;
  }

  opening(): string {
    if (!this.isChat) return '';
    const delta = { role: 'assistant', content: '', refusal: null };
    return this.indexes()
      .map(index => this.chunk([{ index, delta, logprobs: null, finish_reason: null }]))
      .join('');
  }

  /** Says nothing; a comment would do, but some clients choke on one, and others do not count it as a sign of life. */
  keepAlive(): string {
    return this.chunk([{ index: 0, ...this.nothing(), logprobs: null, finish_reason: null }]);
  }

  fault(error: ServiceError): string {
    return `data: ${JSON.stringify({ error: toOpenaiError(error) })}\n\n`;
  }

  of({ type, data }: ShownEvent): string {
    switch (type) {
      case 'token':
        return this.beforeText + textJsonOf(data) + this.afterText;
      case 'delta':
        return this.delta(fragmentsOf(data));
      case 'end':
        return this.end(JSON.parse(data) as EndData);
      case 'error':
        return this.fault(errorOf(data));
      case 'started':
      case 'metrics':
      case 'result':
        return '';
    }
  }

  private delta(fragments: readonly Fragment[]): string {
    const shown: object[] = [];
    const ends: object[] = [];
    for (const { finish_reason: reason, ...fragment } of fragments) {
      const { index, delta = {}, text = '', logprobs = null, ...extensions } = fragment;
      if (delta['tool_calls'] !== undefined) this.callers.add(index);
      const said = this.isChat ? { delta: withReasoning(delta) } : { text };
      const isSaid =
        logprobs !== null || text !== '' || Object.keys(delta).length > 0 || Object.keys(extensions).length > 0;
      if (isSaid) shown.push({ index, ...said, logprobs, finish_reason: null, ...extensions });
      if (typeof reason === 'string') ends.push(this.endOf(index, reason));
    }
    return (shown.length > 0 ? this.chunk(shown) : '') + ends.map(end => this.chunk([end])).join('');
  }

  private end(data: EndData): string {
    const ends = this.indexes()
      .filter(index => !this.ended.has(index))
      .map(index => this.chunk([this.endOf(index, data.finish_reason)]));
    const usage = this.wish.includeUsage ? `${this.head}[],"usage":${JSON.stringify(usageOf(data))}}\n\n` : '';
    return ends.join('') + usage + DONE;
  }

  private endOf(index: number, reason: string): object {
    this.ended.add(index);
    return { index, ...this.nothing(), logprobs: null, finish_reason: finishOf(reason, this.callers.has(index)) };
  }

  private nothing(): object {
    return this.isChat ? { delta: {} } : { text: '' };
  }

  private chunk(choices: readonly object[]): string {
    return this.head + JSON.stringify(choices) + this.tail;
  }

  private indexes(): readonly number[] {
    return Array.from({ length: this.wish.choices }, (_, index) => index);
  }
}
