import { Injectable } from '@nestjs/common';

/** Labels that say who served a task; the empty string where it is not known yet. */
export interface ServedBy {
  readonly engine: string;
  readonly engineVersion: string;
  readonly poolId: string;
  readonly replicaId: string;
}

/** The one way to count, gauge and observe. Label values are bounded here; callers pass what they have. */
@Injectable()
export class MetricsService {
  taskEnqueued(_by: ServedBy, _priority: string): void {}
  taskStarted(_by: ServedBy, _priority: string): void {}
  taskCanceled(_by: ServedBy, _reason: string): void {}
  taskRejected(_engine: string, _reason: string): void {}
  backpressure(_engine: string, _policy: string): void {}
  /** Added up per stream and flushed at its end. */
  tokens(_by: ServedBy, _tokensIn: number, _tokensOut: number): void {}
  catalogVerification(_result: string, _reason: string, _engine: string): void {}
  placementDecision(_outcome: string, _pinned: boolean, _fallback: boolean, _candidates: number): void {}
  queueDepth(_engine: string, _poolId: string, _priority: string, _depth: number): void {}
  firstToken(_by: ServedBy, _priority: string, _ms: number): void {}
  decode(_by: ServedBy, _priority: string, _ms: number): void {}
  /** 0 to 1. Undefined: the engine reports none, and the series goes away. */
  kvCacheUsage(_by: ServedBy, _ratio: number | undefined): void {}
  modelState(_modelId: string, _state: string, _replicas: number): void {}
}
