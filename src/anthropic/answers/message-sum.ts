import { ChatPieces, type ChatPiece } from '../../openai/answers/chat-pieces';
import { textOf } from '../../openai/answers/choice';
import { errorOf } from '../../openai/answers/event-error';
import type { EventSum, ShownEvent } from '../../openai/answers/rendering';
import { fragmentsOf } from '../../tasks/events/fragment';
import { untoldEnd, type EndData } from '../../tasks/events/task-events';
import { messageUsageOf, stopOf, type MessageFacts } from './message-facts';

type Block =
  | { readonly type: 'text' | 'thinking'; text: string }
  | { readonly type: 'tool_use'; readonly call: number; readonly id: string; readonly name: string; text: string };

/** The events of a chat that has ended as one message of Anthropic's API. */
export class MessageSum implements EventSum {
  private readonly pieces = new ChatPieces();
  private readonly blocks: Block[] = [];
  private stopString: string | undefined;
  private end: EndData | undefined;

  constructor(private readonly facts: MessageFacts) {}

  take({ type, data }: ShownEvent): void {
    switch (type) {
      case 'token':
        this.say('text', textOf(data));
        break;
      case 'delta':
        for (const piece of this.pieces.of(fragmentsOf(data))) this.piece(piece);
        break;
      case 'end':
        this.end = JSON.parse(data) as EndData;
        break;
      case 'error':
        throw errorOf(data);
      case 'started':
      case 'metrics':
      case 'result':
    }
  }

  answer(): object {
    const { id, model } = this.facts;
    const end = this.end ?? untoldEnd;
    return {
      ...{ id, type: 'message', role: 'assistant', model },
      content: this.blocks.map(shown),
      ...stopOf(end.finish_reason, this.pieces.callsTools, this.stopString),
      usage: messageUsageOf(end),
    };
  }

  private piece(piece: ChatPiece): void {
    switch (piece.kind) {
      case 'text':
      case 'refusal':
        return this.say('text', piece.text);
      case 'thought':
        if (this.facts.showsThinking) this.say('thinking', piece.text);
        return;
      case 'call':
        this.blocks.push({ type: 'tool_use', call: piece.call, id: piece.id, name: piece.name, text: '' });
        return;
      case 'arguments': {
        const called = this.blocks.find(block => block.type === 'tool_use' && block.call === piece.call);
        if (called) called.text += piece.text;
        return;
      }
      case 'stop string':
        this.stopString = piece.text;
    }
  }

  private say(type: 'text' | 'thinking', text: string): void {
    const last = this.blocks.at(-1);
    if (last?.type === type) last.text += text;
    else this.blocks.push({ type, text });
  }
}

function shown(block: Block): object {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'thinking':
      return { type: 'thinking', thinking: block.text, signature: '' };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: inputOf(block.text) };
  }
}

/** A call that a bound on tokens cut off is no JSON: it is shown as it is, under the name that Anthropic's own guide gives it. */
function inputOf(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { INVALID_JSON: text };
  }
}
