import type { ServiceError } from '../../errors/service-error';
import type { EngineEvent } from '../engine-adapter.port';

/** How an engine cuts what it sends into frames: server-sent events, a line of JSON each, or all of the answer as one. */
export type Framing = 'sse' | 'ndjson' | 'json';

/** How one kind of engine writes its stream. One is made for each run, so it may keep what spans frames. */
export interface StreamFormat {
  /** `sse` where it is not said. */
  readonly framing?: Framing;
  /** Bound of one frame in UTF-16 units; past it the stream is not believed. */
  readonly maxFrameChars: number;
  /** Appends the events of one frame's data to `into`; throws a ServiceError for what is not the engine's wire. */
  read(data: string, into: EngineEvent[]): void;
  /**
   * The response has come to an end of its own, not by a fault of the connection, and no `end` was read. Appends what that means,
   * `end` too where it is how a good stream ends; a format without this takes it for a stream that broke off.
   */
  finish?(into: EngineEvent[]): void;
  /** The error in an SSE field `error`. */
  fault(text: string): ServiceError;
  /** The error that an answer stands for which is no stream; undefined for a 200 that tells of none. */
  refusal(status: number, body: string): ServiceError | undefined;
}
