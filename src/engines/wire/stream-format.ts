import type { ServiceError } from '../../errors/service-error';
import type { EngineEvent } from '../engine-adapter.port';

/** How one kind of engine writes its stream. One is made for each run, so it may keep what spans frames. */
export interface StreamFormat {
  /** Bound of one frame in UTF-16 units; past it the stream is not believed. */
  readonly maxFrameChars: number;
  /** Appends the events of one frame's data to `into`; throws a ServiceError for what is not the engine's wire. */
  read(data: string, into: EngineEvent[]): void;
  /** The error in an SSE field `error`. */
  fault(text: string): ServiceError;
  /** The error that an answer stands for which is no event stream; undefined for a 200 that tells of none. */
  refusal(status: number, body: string): ServiceError | undefined;
}
