import { ServiceError } from '../../../errors/service-error';
import type { EngineEvent, Operation } from '../../engine-adapter.port';
import { engineError, errorIn, statusIn } from '../engine-error';
import { itemsOf, lineOf, membersOf, parseJson } from '../engine-json';
import { memberSpans, type Span } from '../json-members';
import type { StreamFormat } from '../stream-format';
import { tokenCount, tokenCountsOf } from './usage';
import { base64Of } from './vectors';

/** 2,048 inputs of 1,024 dimensions as numbers, or of 4,096 in base64. */
const MAX_CHARS = 32 * 1024 * 1024;
const MODEL_NAME_CHARS = 256;
/** What is told in other ways, or belongs to the connection. */
const LEFT_OUT: ReadonlySet<string> = new Set(['model', 'usage', 'id', 'created']);
const NUMBERS = /"embedding"\s*:\s*\[/;
/** What an engine writes for a number that is none: seen of llama.cpp, whose clients cannot tell it from a vector. */
const NO_NUMBER = /"embedding"\s*:\s*\[[^\]"]*null/;
const payloads: Readonly<Partial<Record<Operation, string>>> = { embedding: 'data', rerank: 'results' };

/** The answer of `/v1/embeddings` and `/v1/rerank`, which comes whole: what it holds is handed on as it came, without being parsed. */
export class ResultFormat implements StreamFormat {
  readonly framing = 'json';
  readonly maxFrameChars = MAX_CHARS;

  constructor(
    private readonly engine: string,
    private readonly operation: Operation,
    /** Vectors were asked for in base64, which some servers do not look at. */
    private readonly inBase64: boolean,
  ) {}

  read(data: string, into: EngineEvent[]): void {
    const members = memberSpans(data);
    const payload = payloads[this.operation];
    if (!members) throw this.notAnAnswer();
    const error = members.get('error');
    if (error && errorIn({ error: valueOf(data, error) }) !== undefined)
      throw this.faultOf({ error: valueOf(data, error) });
    if (payload === undefined || !members.has(payload)) throw this.notAnAnswer();
    if (data.includes('null') && NO_NUMBER.test(data)) throw this.notAVector();
    const usage = valueOf(data, members.get('usage'));
    const { tokensOut: _none, tokensIn, ...counts } = tokenCountsOf(usage);
    const prompt = tokensIn ?? tokenCount(membersOf(usage)['total_tokens']);
    const model = lineOf(valueOf(data, members.get('model')), MODEL_NAME_CHARS);
    into.push(
      { kind: 'result', data: this.inBase64 && NUMBERS.test(data) ? withBase64(data) : keptOf(data, members) },
      {
        kind: 'end',
        usage: {
          tokensOut: 0,
          finishReason: 'stop',
          ...(prompt !== undefined && { tokensIn: prompt }),
          ...counts,
          ...(model !== undefined && { model }),
        },
      },
    );
  }

  fault(text: string): ServiceError {
    return this.faultOf({ error: parseJson(text) ?? text });
  }

  refusal(status: number, body: string): ServiceError | undefined {
    const answer = parseJson(body) ?? body;
    return status === 200 ? undefined : this.errorOf(status, answer);
  }

  /** The error behind a status, in the engine's own terms. */
  protected errorOf(status: number, body: unknown): ServiceError {
    return engineError(this.engine, status, body);
  }

  private faultOf(body: unknown): ServiceError {
    return this.errorOf(statusIn(body), body);
  }

  private notAVector(): ServiceError {
    const message = 'The engine sent a vector with something in it that is no number.';
    return new ServiceError('ENGINE_PROTOCOL', { engine: this.engine, message });
  }

  private notAnAnswer(): ServiceError {
    const message = 'The engine sent an answer that is not one of its protocol.';
    return new ServiceError('ENGINE_PROTOCOL', { engine: this.engine, message });
  }
}

/** What is handed on of an answer. A line end can stand between the parts of a JSON text only, so that a blank is as good. */
function keptOf(data: string, members: ReadonlyMap<string, Span>): string {
  const kept = [...members].filter(([name]) => !LEFT_OUT.has(name));
  return `{${kept.map(([, { start, end }]) => data.slice(start, end)).join(',')}}`.replace(/[\r\n]/g, ' ');
}

function withBase64(data: string): string {
  const { model: _model, usage: _usage, data: list, ...others } = JSON.parse(data) as Record<string, unknown>;
  const vectors = itemsOf(list, Infinity).map(item => {
    const { embedding, ...rest } = membersOf(item);
    return { ...rest, embedding: Array.isArray(embedding) ? base64Of(embedding) : embedding };
  });
  return JSON.stringify({ ...others, data: vectors });
}

/** Of a part that is small in any sound answer. */
function valueOf(text: string, span: Span | undefined): unknown {
  return span ? parseJson(text.slice(span.valueStart, span.end)) : undefined;
}
