import { ServiceError } from '../../errors/service-error';
import type { EngineEvent, EngineUsage } from '../engine-adapter.port';
import { errorIn } from '../wire/engine-error';
import { itemsOf, membersOf, parseJson } from '../wire/engine-json';
import { ChunkFormat } from '../wire/openai/chunk-format';
import { Finish } from '../wire/openai/finish';
import { tokenCount } from '../wire/openai/usage';
import type { StreamFormat } from '../wire/stream-format';
import { tgiError } from './tgi-error';

const FRAME_CHARS = 4 * 1024 * 1024;
const MAX_OTHERS = 16;

/** `/generate_stream`: an event for each token, the last with the whole text and why it ended. No other mark follows. */
export class TgiFormat implements StreamFormat {
  readonly maxFrameChars = FRAME_CHARS;
  private tokens = 0;

  constructor(private readonly withLogprobs: boolean) {}

  read(data: string, into: EngineEvent[]): void {
    const event = membersOf(parseJson(data));
    if (errorIn(event) !== undefined) throw tgiError(500, event);
    const token = membersOf(event['token']);
    const { text, special, logprob } = token;
    if (typeof text !== 'string') throw notAnEvent();
    this.tokens++;
    // The text of a special token (an end of text) is no part of the output.
    if (special !== true && text !== '') {
      into.push(
        this.withLogprobs
          ? { kind: 'delta', data: JSON.stringify([choiceOf(text, logprob, event['top_tokens'])]), tokens: 1 }
          : { kind: 'token', text: text.toWellFormed() },
      );
    }
    if (typeof event['generated_text'] === 'string') into.push({ kind: 'end', usage: this.usageOf(event['details']) });
  }

  fault(text: string): ServiceError {
    return tgiError(500, { error: text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const answer = parseJson(body) ?? body;
    return status === 200 && errorIn(answer) === undefined
      ? undefined
      : tgiError(status === 200 ? 500 : status, answer);
  }

  private usageOf(details: unknown): EngineUsage {
    const { finish_reason: raw, generated_tokens: generated, input_length: input } = membersOf(details);
    const finish = new Finish();
    finish.take(typeof raw === 'string' ? raw : 'stop');
    const tokensIn = tokenCount(input);
    return {
      tokensOut: tokenCount(generated) ?? this.tokens,
      ...finish.usage('stop'),
      ...(tokensIn !== undefined && { tokensIn }),
    };
  }
}

/** TGI's streams in OpenAI's form. */
export class TgiChunkFormat extends ChunkFormat {
  protected override errorOf(status: number, body: unknown): ServiceError {
    return tgiError(status, body);
  }
}

function choiceOf(text: string, logprob: unknown, others: unknown): object {
  const top = itemsOf(others, MAX_OTHERS).map(membersOf);
  const logprobs = {
    tokens: [text],
    token_logprobs: [logprob],
    top_logprobs: [Object.fromEntries(top.map(other => [String(other['text']), other['logprob']]))],
  };
  return { index: 0, text, logprobs, finish_reason: null };
}

function notAnEvent(): ServiceError {
  const message = 'The engine sent an event that is not one of its protocol.';
  return new ServiceError('ENGINE_PROTOCOL', { engine: 'tgi', message });
}
