import canonicalize from 'canonicalize';
import { toEnvelope } from '../../errors/envelope';
import type { ServiceError } from '../../errors/service-error';
import type { TaskEvent } from '../task';

/** Canonical JSON (RFC 8785) of a flat object that we made; undefined members are left out. */
export function canonicalJson(value: object): string {
  return canonicalize(value) ?? 'null';
}

/** The hot one: keys in canonical order by hand. `text` is well formed, so JSON.stringify is canonical for it. */
export function tokenEvent(index: number, text: string): TaskEvent {
  return { type: 'token', data: `{"i":${index},"t":${JSON.stringify(text)}}` };
}

export interface StartedData {
  readonly task_id: string;
  readonly queue_position: number;
  readonly predicted_start_ms: number;
  readonly engine: string;
  readonly engine_version: string;
  readonly pool_id: string;
  readonly replica_id: string;
  readonly attempt: number;
  readonly model_ref?: string;
}

export function startedEvent(data: StartedData): TaskEvent {
  return { type: 'started', data: canonicalJson(data) };
}

export interface MetricsData {
  readonly queue_depth: number;
  /** 0 to 1: how much of the output still missing fits before the deadline at the pace so far. */
  readonly on_time_probability: number;
  /** 1 where the session's previous attempt ran on the same replica, otherwise 0. */
  readonly kv_warmth: number;
  readonly tokens_out: number;
  readonly tokens_budget_remaining: number;
  readonly time_budget_remaining_ms: number;
  readonly cost_budget_remaining: number;
}

/** With what a reader who asked for `verbose=true` gets on top. */
export function metricsEvent(data: MetricsData, human: string, prep: readonly unknown[]): TaskEvent {
  return { type: 'metrics', data: canonicalJson(data), verboseData: canonicalJson({ ...data, human, prep }) };
}

export interface EndData {
  readonly tokens_out: number;
  readonly tokens_in?: number;
  readonly decode_time_ms: number;
  /** The older name of decode_time_ms. */
  readonly decode_ms: number;
  readonly finish_reason: string;
  readonly model?: string;
}

export function endEvent(data: EndData): TaskEvent {
  return { type: 'end', data: canonicalJson(data) };
}

/** `{code, message, engine?, retriable, …}`: the envelope without a correlation id, which belongs to a request. */
export function errorEvent(error: ServiceError, seq?: number): TaskEvent {
  return { type: 'error', data: canonicalJson(toEnvelope(error)), ...(seq !== undefined && { seq }) };
}
