import { fragmentsOf } from '../../tasks/events/fragment';
import { untoldEnd, type EndData } from '../../tasks/events/task-events';
import { JoinedChoice } from '../../tasks/result/joined-choice';
import type { OpenaiRequest } from '../requests/openai-request';
import { finishOf, usageOf, type AnswerFacts } from './answer-facts';
import { textOf } from './choice';
import { errorOf } from './event-error';
import { inFormat } from './embedding-format';
import type { EventSum, ShownEvent } from './rendering';

/** The events of a task that has ended as one answer of OpenAI's API. */
export class WholeAnswer implements EventSum {
  private readonly choices = new Map<number, JoinedChoice>();
  /** JSON. */
  protected result = '{}';
  private end: EndData | undefined;

  constructor(
    protected readonly facts: AnswerFacts,
    protected readonly request: OpenaiRequest,
  ) {
    for (let index = 0; index < request.choices; index++) this.choices.set(index, new JoinedChoice());
  }

  take({ type, data }: ShownEvent): void {
    switch (type) {
      case 'token':
        this.choice(0).say(textOf(data));
        break;
      case 'delta':
        for (const fragment of fragmentsOf(data)) this.choice(fragment.index).take(fragment);
        break;
      case 'result':
        this.result = data;
        break;
      case 'end':
        this.end = JSON.parse(data) as EndData;
        break;
      case 'error':
        throw errorOf(data);
      case 'started':
      case 'metrics':
    }
  }

  answer(): object {
    const { facts, request } = this;
    const end = this.end ?? untoldEnd;
    const { tokens_in: tokensIn = 0 } = end;
    switch (request.operation) {
      case 'chat':
      case 'completion':
        return this.text(end);
      case 'embedding':
        return this.embeddings(tokensIn);
      case 'rerank':
        return { id: facts.id, model: facts.model, ...this.parsed(), usage: { total_tokens: tokensIn } };
    }
  }

  protected embeddings(tokensIn: number): object {
    const result = this.parsed();
    const data = inFormat(this.request.body['encoding_format'], result['data']);
    return { object: 'list', ...result, data, model: this.facts.model, usage: embeddingUsageOf(tokensIn) };
  }

  private parsed(): Readonly<Record<string, unknown>> {
    return JSON.parse(this.result) as Record<string, unknown>;
  }

  private text(end: EndData): object {
    const { facts, request } = this;
    const isChat = request.operation === 'chat';
    const choices = [...this.choices]
      .sort(([a], [b]) => a - b)
      .map(([index, choice]) => {
        const finish = finishOf(choice.finish ?? end.finish_reason, choice.callsTools);
        return isChat ? choice.chat(index, finish) : choice.completion(index, finish);
      });
    const { id, created, model } = facts;
    const object = isChat ? 'chat.completion' : 'text_completion';
    return { id, object, created, model, choices, usage: usageOf(end) };
  }

  private choice(index: number): JoinedChoice {
    const known = this.choices.get(index) ?? new JoinedChoice();
    this.choices.set(index, known);
    return known;
  }
}

export function embeddingUsageOf(tokensIn: number): object {
  return { prompt_tokens: tokensIn, total_tokens: tokensIn };
}
