import { ServiceError } from '../../errors/service-error';
import type { EngineEvent } from '../engine-adapter.port';
import { integerOf, itemsOf, lineOf, membersOf, parseJson } from '../wire/engine-json';
import { Finish } from '../wire/openai/finish';
import { tokenCount } from '../wire/openai/usage';
import type { StreamFormat } from '../wire/stream-format';
import { errorTextIn, tritonError } from './triton-error';

const FRAME_CHARS = 1024 * 1024;
const MAX_ELEMENTS = 4096;
const NAME_CHARS = 256;

/**
 * `generate_stream`: an event for each response of the model, and no mark of an end: that is where the response ends as its framing has it,
 * and the last chunk missing is all there is to see of a stream that was cut. Nor is there a reason or a usage, but from the vLLM backend
 * where it is asked; otherwise as many events as tokens were asked for is an end by length.
 */
export class TritonFormat implements StreamFormat {
  readonly maxFrameChars = FRAME_CHARS;
  private readonly finish_ = new Finish();
  private tokens = 0;
  private told: { tokensIn?: number; tokensOut?: number; model?: string; raw?: string } = {};

  constructor(private readonly maxTokens: unknown) {}

  read(data: string, into: EngineEvent[]): void {
    const event = parseJson(data);
    if (typeof event !== 'object' || event === null) throw notAnEvent();
    const fault = errorTextIn(data);
    if (fault !== undefined) throw tritonError(200, fault);
    const { text_output: output, model_name: name, ...others } = membersOf(event);
    const pieces = typeof output === 'string' ? [output] : itemsOf(output, MAX_ELEMENTS);
    if (output === undefined) throw notAnEvent();
    const text = pieces.filter(piece => typeof piece === 'string').join('');
    this.tokens++;
    if (text !== '') into.push({ kind: 'token', text: text.toWellFormed() });
    this.notice(others, lineOf(name, NAME_CHARS));
  }

  finish(into: EngineEvent[]): void {
    const { tokensIn, tokensOut = this.tokens, model, raw } = this.told;
    const bound = integerOf(this.maxTokens, 1);
    this.finish_.take(raw ?? (bound !== undefined && tokensOut >= bound ? 'length' : 'stop'));
    into.push({
      kind: 'end',
      usage: {
        tokensOut,
        ...this.finish_.usage('stop'),
        ...(tokensIn !== undefined && { tokensIn }),
        ...(model !== undefined && { model }),
      },
    });
  }

  fault(text: string): ServiceError {
    return tritonError(200, text);
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const text = errorTextIn(body);
    return status === 200 && text === undefined ? undefined : tritonError(status, text);
  }

  private notice(outputs: Readonly<Record<string, unknown>>, model: string | undefined): void {
    const { finish_reason: raw, num_input_tokens: input, num_output_tokens: output } = outputs;
    const [tokensIn, tokensOut] = [tokenCount(input), tokenCount(output)];
    this.told = {
      ...this.told,
      ...(tokensIn !== undefined && { tokensIn }),
      // Of each response by itself.
      ...(tokensOut !== undefined && { tokensOut: (this.told.tokensOut ?? 0) + tokensOut }),
      ...(model !== undefined && { model }),
      ...(typeof raw === 'string' && raw !== '' && raw !== 'None' && { raw }),
    };
  }
}

function notAnEvent(): ServiceError {
  const message = 'The engine sent an event that is not one of its protocol.';
  return new ServiceError('ENGINE_PROTOCOL', { engine: 'triton', message });
}
