import type { Refusals } from './refusals';
import type { RunResult, RunState } from './run-times';
import type { GeneratedToken } from './token-source';
import type { HeaderList, WireError } from './wire-error';

/** How one API words a generation. Each string that it returns is sent as one HTTP chunk. */
export interface OutputFormat {
  readonly refusals: Refusals;
  /** When status and headers of a stream leave: once the request is taken, or with the first output. */
  readonly headAt: 'request' | 'output';
  /** Whether `maxRequests` bounds something else than what runs and waits. */
  readonly takesAll?: boolean;
  /** A client that goes is missed only when there is something to send to it. */
  readonly noticesLate?: boolean;
  /** A whole answer comes in chunks, too. */
  readonly chunked?: boolean;
  /** So much of the prompt was read, where the client asked to be told. */
  progress?(run: RunState, processedTokens: number): string[];
  token(run: RunState, token: GeneratedToken): string | readonly string[];
  /** Once a sequence has come to its end. */
  closing?(result: RunResult): readonly string[];
  /** Once every one has. */
  end(results: readonly RunResult[]): readonly string[];
  /** What is said where a route of the engine's ends the request: a whole answer, or the rest of a stream. */
  aborted?(stream: boolean): WireError;
  /** Headers of the whole answer. */
  headers?(results: readonly RunResult[]): HeaderList;
  /** The whole answer, where the client asked for no stream. */
  plain(results: readonly RunResult[]): object;
}

/** One server-sent event. */
export function frame(data: object | string): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}
