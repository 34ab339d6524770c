import type { Refusals } from './refusals';
import type { RunResult, RunState } from './run-times';
import type { GeneratedToken } from './token-source';

/** How one API words a generation. Each string that it returns is sent as one HTTP chunk. */
export interface OutputFormat {
  readonly refusals: Refusals;
  /** When status and headers of a stream leave: once the request is taken, or with the first output. */
  readonly headAt: 'request' | 'output';
  /** Whether `maxRequests` bounds something else than what runs and waits. */
  readonly takesAll?: boolean;
  /** So much of the prompt was read, where the client asked to be told. */
  progress?(run: RunState, processedTokens: number): string[];
  token(run: RunState, token: GeneratedToken): string | readonly string[];
  /** Once a sequence has come to its end. */
  closing?(result: RunResult): readonly string[];
  /** Once every one has. */
  end(results: readonly RunResult[]): readonly string[];
  /** The whole answer, where the client asked for no stream. */
  plain(results: readonly RunResult[]): object;
}

/** One server-sent event. */
export function frame(data: object | string): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}
