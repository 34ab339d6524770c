import type { ServiceError } from '../../errors/service-error';
import { ChatPieces } from '../../openai/answers/chat-pieces';
import { textOf } from '../../openai/answers/choice';
import { errorOf } from '../../openai/answers/event-error';
import type { EventSum, Rendering, ShownEvent } from '../../openai/answers/rendering';
import { fragmentsOf } from '../../tasks/events/fragment';
import type { EndData } from '../../tasks/events/task-events';
import { endOf, pieceOf, type OllamaFacts, type Said } from './ollama-facts';

interface Call {
  readonly name: string;
  text: string;
}

/** A task's events as the lines of Ollama's streams, one JSON each; the last one is done. Calls are told whole, at the end. */
export class OllamaStream implements Rendering {
  readonly contentType = 'application/x-ndjson';
  private readonly pieces = new ChatPieces();
  private readonly calls = new Map<number, Call>();

  constructor(private readonly facts: OllamaFacts) {}

  opening(): string {
    return '';
  }

  keepAlive(): string {
    return this.line({});
  }

  fault({ message }: ServiceError): string {
    return `${JSON.stringify({ error: message })}\n`;
  }

  of({ type, data }: ShownEvent): string {
    switch (type) {
      case 'token':
        return this.line({ text: textOf(data) });
      case 'delta':
        return this.saidIn(data)
          .map(said => this.line(said))
          .join('');
      case 'end': {
        const called = this.calls.size > 0 ? this.line({ calls: this.shownCalls() }) : '';
        const last = { ...pieceOf(this.facts, {}), ...endOf(JSON.parse(data) as EndData) };
        return `${called}${JSON.stringify(last)}\n`;
      }
      case 'error':
        return this.fault(errorOf(data));
      case 'started':
      case 'metrics':
      case 'result':
        return '';
    }
  }

  /** Calls are kept until the end. */
  protected saidIn(data: string): readonly Said[] {
    const said: Said[] = [];
    for (const piece of this.pieces.of(fragmentsOf(data))) {
      if (piece.kind === 'text' || piece.kind === 'refusal') said.push({ text: piece.text });
      else if (piece.kind === 'thought') said.push({ thought: piece.text });
      else if (piece.kind === 'call') this.calls.set(piece.call, { name: piece.name, text: '' });
      else if (piece.kind === 'arguments') {
        const call = this.calls.get(piece.call);
        if (call) call.text += piece.text;
      }
    }
    return said;
  }

  protected shownCalls(): readonly object[] {
    return [...this.calls.values()].map(({ name, text }) => ({ function: { name, arguments: argumentsOf(text) } }));
  }

  private line(said: Said): string {
    return `${JSON.stringify({ ...pieceOf(this.facts, said), done: false })}\n`;
  }
}

/** The same as one answer. */
export class OllamaSum extends OllamaStream implements EventSum {
  private text = '';
  private thought = '';
  private end: EndData | undefined;

  constructor(private readonly told: OllamaFacts) {
    super(told);
  }

  take({ type, data }: ShownEvent): void {
    if (type === 'error') throw errorOf(data);
    if (type === 'token') this.text += textOf(data);
    if (type === 'delta') {
      for (const { text = '', thought = '' } of this.saidIn(data)) {
        this.text += text;
        this.thought += thought;
      }
    }
    if (type === 'end') this.end = JSON.parse(data) as EndData;
  }

  answer(): object {
    const calls = this.shownCalls();
    const said = {
      text: this.text,
      ...(this.thought !== '' && { thought: this.thought }),
      ...(calls.length > 0 && { calls }),
    };
    return { ...pieceOf(this.told, said), ...(this.end ? endOf(this.end) : { done: true, done_reason: 'stop' }) };
  }
}

/** What a bound on tokens has cut off is no object: it is shown as it is. */
function argumentsOf(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { INVALID_JSON: text };
  }
}
