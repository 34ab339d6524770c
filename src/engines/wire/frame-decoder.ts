import { ServiceError } from '../../errors/service-error';
import { SseDecoder } from './sse-decoder';
import type { Framing } from './stream-format';
import { Utf8Decoder } from './utf8-decoder';

/** Cuts the bytes of a response into frames, wherever the network cut them. */
export interface FrameDecoder {
  /** Hands on the frames that are complete now, with `bytes` from `start` to before `end`. @throws ServiceError ENGINE_PROTOCOL past the bound; what its reader throws */
  push(bytes: Buffer, start?: number, end?: number): void;
  /** The response is over: hands on a last frame that lacks no more than its mark. */
  finish(): void;
}

/** What each framing goes by in `Content-Type`. */
export const mediaTypes: Readonly<Record<Framing, readonly [string, ...string[]]>> = {
  sse: ['text/event-stream'],
  ndjson: ['application/x-ndjson', 'application/jsonl', 'application/ndjson'],
  json: ['application/json'],
};

export function frameDecoder(
  framing: Framing,
  maxChars: number,
  onData: (data: string) => void,
  onError: (text: string) => void,
): FrameDecoder {
  switch (framing) {
    case 'sse':
      return new SseDecoder(maxChars, onData, onError);
    case 'ndjson':
      return new LineDecoder(maxChars, onData);
    case 'json':
      return new WholeDecoder(maxChars, onData);
  }
}

/** A frame is a line; empty ones say nothing. */
class LineDecoder implements FrameDecoder {
  private readonly utf8 = new Utf8Decoder();
  private line = '';

  constructor(
    private readonly maxChars: number,
    private readonly onData: (data: string) => void,
  ) {}

  push(bytes: Buffer, start = 0, end = bytes.length): void {
    const text = this.utf8.textOf(bytes, start, end);
    let from = 0;
    for (let lineEnd = text.indexOf('\n'); lineEnd !== -1; lineEnd = text.indexOf('\n', from)) {
      const line = this.line + text.slice(from, lineEnd);
      this.line = '';
      from = lineEnd + 1;
      this.take(line);
    }
    this.line = bounded(this.line + text.slice(from), this.maxChars);
  }

  finish(): void {
    const { line } = this;
    this.line = '';
    this.take(line);
  }

  private take(line: string): void {
    if (line.trim() !== '') this.onData(bounded(line, this.maxChars));
  }
}

/** The whole response is one frame, handed on at its end. */
class WholeDecoder implements FrameDecoder {
  private readonly utf8 = new Utf8Decoder();
  private text = '';

  constructor(
    private readonly maxChars: number,
    private readonly onData: (data: string) => void,
  ) {}

  push(bytes: Buffer, start = 0, end = bytes.length): void {
    this.text = bounded(this.text + this.utf8.textOf(bytes, start, end), this.maxChars);
  }

  finish(): void {
    const { text } = this;
    this.text = '';
    if (text !== '') this.onData(text);
  }
}

function bounded(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  throw new ServiceError('ENGINE_PROTOCOL', {
    message: 'The engine sent an answer that is longer than any engine sends.',
  });
}
