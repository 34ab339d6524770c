import type { WireError } from './wire-error';

/** What goes wrong, in the words of one API. `stream`: whether the client asked for one. */
export interface Refusals {
  /** No room, or not there yet: the API's 503, or what stands for it. */
  unavailable(stream: boolean): WireError;
  /** As many requests run and wait as may. */
  full(stream: boolean): WireError;
  /** Too many requests, with a time after which to come again. */
  tooMany(stream: boolean): WireError;
  /** The client's fault. */
  bad(message: string, stream: boolean): WireError;
  tooLong(promptTokens: number, ctxTokens: number, stream: boolean): WireError;
  /** As an older version words it, where it does so otherwise. */
  tooLongOld?(): WireError;
  /** The engine failed before it said anything. */
  failed(stream: boolean): WireError;
  /** The engine failed in the middle of a stream: what is sent before the stream's clean end. */
  failedLate(): readonly string[];
  /** As an older version words it, where it does so otherwise. */
  failedLateOld?(): readonly string[];
  /** What is sent in silence, where the engine does that. */
  readonly keepAlive?: string;
  /** A frame of broken JSON. */
  readonly brokenFrame: string;
  /** What stands before and after the filling of one well-formed frame of any size. */
  readonly hugeFrame: readonly [before: string, after: string];
}
