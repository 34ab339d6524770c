import type { GeneratedToken } from '../token-source';
import type { RunResult, RunState } from '../run-times';

/** How one API words a generation. Each string that it returns is sent as one HTTP chunk. */
export interface OutputFormat {
  /** So much of the prompt was read, where the client asked to be told. */
  progress(run: RunState, processedTokens: number): string[];
  token(run: RunState, token: GeneratedToken): string;
  end(result: RunResult): string[];
  /** The whole answer, where the client asked for no stream. */
  plain(result: RunResult): object;
}

/** One server-sent event. */
export function frame(data: object | string): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}
