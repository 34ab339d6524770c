import { toAnthropicError } from '../../errors/anthropic-error';
import { ServiceError } from '../../errors/service-error';
import { ChatPieces, type ChatPiece } from '../../openai/answers/chat-pieces';
import { textJsonOf } from '../../openai/answers/choice';
import { errorOf } from '../../openai/answers/event-error';
import type { Rendering, ShownEvent } from '../../openai/answers/rendering';
import { fragmentsOf } from '../../tasks/events/fragment';
import { untoldEnd, type EndData } from '../../tasks/events/task-events';
import { messageUsageOf, stopOf, type MessageFacts } from './message-facts';

/** The block that is being told: its kind, and of a tool the number of the call. */
interface OpenBlock {
  readonly kind: 'text' | 'thinking' | 'tool_use';
  readonly call?: number;
}

/**
 * A chat's events as the events of Anthropic's streams: the message begins, each block of it begins, grows and stops before the next one
 * begins, then why it ended and what it used, then that it stops.
 */
export class MessageStream implements Rendering {
  private readonly pieces = new ChatPieces();
  /** Blocks that have begun. */
  private blocks = 0;
  private open: OpenBlock | undefined;
  private stopString: string | undefined;
  /** The last frame was a fault. */
  private isBroken = false;
  /** Around the text of the block that is open. */
  private beforeText = '';

  /** @param inputTokens asked when the stream begins; undefined where they are known only at the end */
  constructor(
    private readonly facts: MessageFacts,
    private readonly inputTokens: () => number | undefined,
  ) {}

  opening(): string {
    const { id, model } = this.facts;
    const read = this.inputTokens();
    const usage = messageUsageOf({ ...untoldEnd, ...(read !== undefined && { tokens_in: read }) });
    const message = { id, type: 'message', role: 'assistant', model, content: [], ...unstopped, usage };
    return frame('message_start', { message });
  }

  keepAlive(): string {
    return frame('ping', {});
  }

  fault(error: ServiceError): string {
    return `event: error\ndata: ${JSON.stringify(toAnthropicError(error))}\n\n`;
  }

  of({ type, data }: ShownEvent): string {
    if (this.isBroken) return '';
    switch (type) {
      case 'token':
        return this.enter('text') + this.beforeText + textJsonOf(data) + '}}\n\n';
      case 'delta': {
        let frames = '';
        for (const piece of this.pieces.of(fragmentsOf(data))) if (!this.isBroken) frames += this.piece(piece);
        return frames;
      }
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

  private piece(piece: ChatPiece): string {
    switch (piece.kind) {
      case 'text':
      case 'refusal':
        return this.enter('text') + this.delta({ type: 'text_delta', text: piece.text });
      case 'thought':
        if (!this.facts.showsThinking) return '';
        return this.enter('thinking') + this.delta({ type: 'thinking_delta', thinking: piece.text });
      case 'call':
        return this.begin({ kind: 'tool_use', call: piece.call }, { id: piece.id, name: piece.name, input: {} });
      case 'arguments':
        // Blocks follow each other: what belongs to one that has stopped cannot be told.
        if (this.open?.call !== piece.call) return this.breakOff();
        return this.delta({ type: 'input_json_delta', partial_json: piece.text });
      case 'stop string':
        this.stopString = piece.text;
        return '';
    }
  }

  private breakOff(): string {
    this.isBroken = true;
    return this.fault(new ServiceError('ENGINE_PROTOCOL', { message: 'The engine mixed the arguments of its calls.' }));
  }

  private end(data: EndData): string {
    const delta = stopOf(data.finish_reason, this.pieces.callsTools, this.stopString);
    return this.leave() + frame('message_delta', { delta, usage: messageUsageOf(data) }) + frame('message_stop', {});
  }

  private enter(kind: 'text' | 'thinking'): string {
    if (this.open?.kind === kind) return '';
    return this.begin({ kind }, kind === 'text' ? { text: '' } : { thinking: '', signature: '' });
  }

  private begin(block: OpenBlock, members: object): string {
    const before = this.leave();
    this.open = block;
    const index = this.blocks++;
    this.beforeText = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"text_delta","text":`;
    return before + frame('content_block_start', { index, content_block: { type: block.kind, ...members } });
  }

  /** A thought is signed by nobody here; clients that give it back look for a signature all the same. */
  private leave(): string {
    if (!this.open) return '';
    const signature = this.open.kind === 'thinking' ? this.delta({ type: 'signature_delta', signature: '' }) : '';
    this.open = undefined;
    return signature + frame('content_block_stop', { index: this.blocks - 1 });
  }

  private delta(delta: object): string {
    return frame('content_block_delta', { index: this.blocks - 1, delta });
  }
}

const unstopped = { stop_reason: null, stop_sequence: null };

function frame(type: string, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}
