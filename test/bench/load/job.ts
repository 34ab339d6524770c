import type { Latency } from '../figures';
import type { Target } from './requests';

/** Streams read to their end: each client takes the next when it has read one. */
export interface RelayJob {
  readonly kind: 'relay';
  readonly target: Target;
  readonly apiKey: string;
  /** Clients at a time. */
  readonly streams: number;
  /** Streams in all. */
  readonly tasks: number;
  /** Of each stream. */
  readonly tokens: number;
  /** The clients begin spread over this time, so that their tokens are not due all at once. */
  readonly startOverMs: number;
  /** Each task has a session of its own by name, as where each comes from another user; otherwise each client has one. */
  readonly sessionEach?: boolean;
}

export interface RelayResult {
  readonly tasks: number;
  readonly tokens: number;
  readonly tookMs: number;
  /** From the first byte of the request to the first token. */
  readonly firstToken: Latency;
}

/** Tasks submitted, and nothing else. */
export interface AdmissionJob {
  readonly kind: 'admission';
  readonly port: number;
  readonly apiKey: string;
  readonly clients: number;
  readonly forMs: number;
  /** Of each task. */
  readonly tokens?: number;
}

export interface AdmissionResult {
  readonly admissions: number;
  readonly tookMs: number;
  readonly latency: Latency;
}

/** Tasks that will wait, and a stream on each that is held open. */
export interface IdleJob {
  readonly kind: 'idle';
  readonly port: number;
  readonly apiKey: string;
  /** In the ids of the tasks: those of `submit` are those of `hold`. */
  readonly name: string;
  readonly count: number;
  /** `submit` the tasks, `hold` a stream on each (resolves when all are open), `release` what is held. */
  readonly step: 'submit' | 'hold' | 'release';
}

/** The same question again and again. */
export interface ProbeJob {
  readonly kind: 'probe';
  readonly port: number;
  readonly path: string;
  readonly everyMs: number;
  readonly forMs: number;
}

/** Streams that begin at a steady rate, whatever became of those before. */
export interface SoakJob {
  readonly kind: 'soak';
  readonly target: Target;
  readonly apiKey: string;
  readonly perSecond: number;
  readonly forMs: number;
  readonly tokens: number;
}

export interface SoakResult {
  readonly tasks: number;
  /** Streams that were refused, cut, or not whole. */
  readonly faults: number;
  /** What was wrong with the first of them. */
  readonly firstFaults: readonly string[];
}

export interface Jobs {
  relay: { job: RelayJob; result: RelayResult };
  admission: { job: AdmissionJob; result: AdmissionResult };
  idle: { job: IdleJob; result: object };
  probe: { job: ProbeJob; result: Latency };
  soak: { job: SoakJob; result: SoakResult };
}

export type Job = Jobs[keyof Jobs]['job'];
