import { ServiceError } from '../../errors/service-error';
import { toOpenaiError } from '../../errors/openai-error';
import { ChatPieces, type ChatPiece } from '../../openai/answers/chat-pieces';
import { textJsonOf } from '../../openai/answers/choice';
import { errorOf } from '../../openai/answers/event-error';
import type { EventSum, Rendering, ShownEvent } from '../../openai/answers/rendering';
import { fragmentsOf } from '../../tasks/events/fragment';
import type { EndData, MetricsData } from '../../tasks/events/task-events';
import type { Clock } from '../../time/clock';
import { toolNameOf } from '../requests/tool-names';
import { CallItem, MessageItem, ReasoningItem, type OutputItem } from './output-items';
import { endOf, failureOf, responseOf, unended, type ResponseEnd, type ResponseFacts } from './response-facts';

/** More events than any stream has. */
export const NUMBER_GAP = 1_000_000_000;
/** For who sums up, and reads no frames: they are not made. */
export const NO_FRAMES = Infinity;

/**
 * A chat's events as the events of a response, in their order: it is created and goes on, each item is added, grows and is done before the
 * next one is added, then the response is completed, or is not. Each has a number, the same whenever and for whomever it is rendered.
 */
export class ResponseStream implements Rendering, EventSum {
  private readonly pieces = new ChatPieces();
  private readonly done: object[] = [];
  private open: OutputItem | undefined;
  /** Around the text of the message that is open. */
  private beforeText = '';
  private number = 0;
  private lastSeq = 0;
  private hasBegun = false;
  private ended: ResponseEnd | undefined;
  /** Tokens that were told of, for one that ends without being counted. */
  private made = 0;

  /** @param after events up to this number are left out: the reader has them, or wants none ({@link NO_FRAMES}) */
  constructor(
    private readonly facts: ResponseFacts,
    private readonly clock: Clock,
    private readonly after = -1,
  ) {}

  /** What it came to; undefined while that is not known. */
  get end(): ResponseEnd | undefined {
    return this.ended;
  }

  opening(): string {
    const isBackground = this.facts.asked['background'] === true;
    const status = isBackground ? 'queued' : 'in_progress';
    const created = this.frame('response.created', { response: responseOf(this.facts, unended(status)) });
    if (!isBackground) return created + this.begin();
    return created + this.frame('response.queued', { response: responseOf(this.facts, unended('queued')) });
  }

  /** Before there is output it says once more that the response goes on, for some clients count no comments; later that would take it back. */
  keepAlive(): string {
    if (this.open !== undefined || this.done.length > 0) return ': keep-alive\n\n';
    // Who has come back may have read more than there is again by now, of a task that was interrupted.
    if (this.after >= this.number) return ': keep-alive\n\n';
    const type = this.hasBegun ? 'response.in_progress' : 'response.queued';
    const response = responseOf(this.facts, unended(this.hasBegun ? 'in_progress' : 'queued'));
    return framed(type, { response, sequence_number: this.number - 1 });
  }

  /** It takes no number from the events: who goes on after it, by the number that it has, gets the next of them. */
  fault(error: ServiceError): string {
    const { code, message, param } = toOpenaiError(error);
    return framed('error', { code, message, param, sequence_number: Math.max(this.number - 1, this.after) });
  }

  /** For who sums up, and reads no frames. */
  take(event: ShownEvent): void {
    this.of(event);
  }

  /** As it stands now: one that is completed just was. */
  answer(): object {
    const end = this.ended ?? unended('in_progress', this.done);
    const completedAt = end.status === 'completed' ? this.clock.wallSeconds() : null;
    return { ...responseOf(this.facts, end), completed_at: completedAt };
  }

  of({ type, data, seq }: ShownEvent): string {
    if (this.ended) return '';
    // The end of a task that was cut off has a number past all that its readers can hold.
    if (seq !== undefined && seq > this.lastSeq + 1) this.number += NUMBER_GAP;
    this.lastSeq = seq ?? this.lastSeq + 1;
    const begun = this.begin();
    switch (type) {
      case 'token':
        this.made++;
        return begun + this.token(textJsonOf(data));
      case 'delta': {
        this.made++;
        let frames = begun;
        for (const piece of this.pieces.of(fragmentsOf(data))) if (!this.ended) frames += this.piece(piece);
        return frames;
      }
      case 'end':
        return begun + this.complete(JSON.parse(data) as EndData);
      case 'error':
        return begun + this.fail(errorOf(data));
      case 'metrics':
        this.made = Math.max(this.made, (JSON.parse(data) as MetricsData).tokens_out);
        return begun;
      case 'started':
      case 'result':
        return begun;
    }
  }

  private begin(): string {
    if (this.hasBegun) return '';
    this.hasBegun = true;
    return this.frame('response.in_progress', { response: responseOf(this.facts, unended('in_progress')) });
  }

  private token(json: string): string {
    const entered = this.message('message');
    this.open?.grow(json);
    const number = this.number++;
    if (number <= this.after) return entered;
    return `${entered}${this.beforeText}${json},"logprobs":[],"sequence_number":${number}}\n\n`;
  }

  private piece(piece: ChatPiece): string {
    switch (piece.kind) {
      case 'text': {
        const entered = this.message('message');
        const item = this.open as MessageItem;
        item.grow(JSON.stringify(piece.text));
        const logprobs = piece.logprobs ?? [];
        item.logprobs.push(...logprobs);
        return entered + this.grown('response.output_text.delta', { content_index: 0, delta: piece.text, logprobs });
      }
      case 'refusal':
        return this.message('refusal') + this.grow('response.refusal.delta', piece.text, { content_index: 0 });
      case 'thought':
        return this.reasoning() + this.grow('response.reasoning_text.delta', piece.text, { content_index: 0 });
      case 'call':
        return this.enter((id, index) => {
          const called = toolNameOf(this.facts.asked['tools'], piece.name);
          return new CallItem(`fc_${id}`, index, piece.call, piece.id, called);
        });
      case 'arguments':
        // Items follow each other: what belongs to one that is done cannot be told.
        if (!(this.open instanceof CallItem) || this.open.call !== piece.call) return this.fail(mixedCalls);
        return this.grow('response.function_call_arguments.delta', piece.text, {});
      case 'stop string':
        return '';
    }
  }

  private message(kind: 'message' | 'refusal'): string {
    if (this.open?.kind === kind) return '';
    const entered = this.enter((id, index) => new MessageItem(kind, `msg_${id}`, index));
    const { id, index } = this.open as unknown as MessageItem;
    const place = `"item_id":${JSON.stringify(id)},"output_index":${index},"content_index":0`;
    this.beforeText = `event: response.output_text.delta\ndata: {"type":"response.output_text.delta",${place},"delta":`;
    return entered + this.part('added', '');
  }

  private reasoning(): string {
    if (this.open?.kind === 'reasoning') return '';
    return this.enter((id, index) => new ReasoningItem(`rs_${id}`, index)) + this.part('added', '');
  }

  private enter(make: (id: string, index: number) => OutputItem): string {
    const left = this.leave('completed');
    const index = this.done.length;
    this.open = make(`${this.facts.taskId}_${index}`, index);
    return (
      left + this.frame('response.output_item.added', { output_index: index, item: this.open.shown('in_progress') })
    );
  }

  /** The item that is open is done: whole, or as far as it came. */
  private leave(status: 'completed' | 'incomplete'): string {
    const item = this.open;
    if (!item) return '';
    const frames = this.wholeOf(item);
    this.open = undefined;
    const shown = item.shown(status);
    this.done.push(shown);
    return frames + this.frame('response.output_item.done', { output_index: item.index, item: shown });
  }

  private wholeOf(item: OutputItem): string {
    const { text } = item;
    switch (item.kind) {
      case 'message': {
        const { logprobs } = item as MessageItem;
        return this.grown('response.output_text.done', { content_index: 0, text, logprobs }) + this.part('done');
      }
      case 'refusal':
        return this.grown('response.refusal.done', { content_index: 0, refusal: text }) + this.part('done');
      case 'reasoning':
        return this.grown('response.reasoning_text.done', { content_index: 0, text }) + this.part('done');
      case 'function_call': {
        const { name } = (item as CallItem).called;
        return this.grown('response.function_call_arguments.done', { name, arguments: text });
      }
    }
  }

  private part(what: 'added' | 'done', text?: string): string {
    const part = (this.open as MessageItem | ReasoningItem).part(text);
    return this.grown(`response.content_part.${what}`, { content_index: 0, part });
  }

  private grow(type: string, text: string, members: object): string {
    this.open?.grow(JSON.stringify(text));
    return this.grown(type, { ...members, delta: text });
  }

  /** An event of the item that is open. */
  private grown(type: string, members: object): string {
    const { id, index } = this.open as OutputItem;
    return this.frame(type, { item_id: id, output_index: index, ...members });
  }

  private complete(data: EndData): string {
    const isCut = data.finish_reason === 'length' || data.finish_reason === 'content_filter';
    const left = this.leave(isCut ? 'incomplete' : 'completed');
    return left + this.close(endOf(this.done, data));
  }

  private fail(error: ServiceError): string {
    return this.leave('incomplete') + this.close(failureOf(this.done, error, this.made));
  }

  /** There is no event of its own for one that was cancelled: it says so in its status. */
  private close(end: ResponseEnd): string {
    this.ended = end;
    const type = end.status === 'completed' || end.status === 'incomplete' ? end.status : 'failed';
    return this.frame(`response.${type}`, { response: responseOf(this.facts, end) });
  }

  private frame(type: string, members: object): string {
    const number = this.number++;
    return number <= this.after ? '' : framed(type, { ...members, sequence_number: number });
  }
}

const mixedCalls = new ServiceError('ENGINE_PROTOCOL', { message: 'The engine mixed the arguments of its calls.' });

function framed(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}
