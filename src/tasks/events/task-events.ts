import canonicalize from 'canonicalize';
import { toEnvelope } from '../../errors/envelope';
import type { ServiceError } from '../../errors/service-error';
import type { PredictedStartView } from '../task/parts.view';
import type { TaskEvent } from '../task/task';

/**
 * Canonical JSON (RFC 8785); undefined members are left out. The RFC is ECMAScript's serialization plus an order of members, so a value
 * whose members are put in order first is written by JSON.stringify in one go, at a quarter of the cost.
 */
export function canonicalJson(value: object): string {
  const inOrder = ordered(value);
  return inOrder === undefined ? (canonicalize(value) ?? 'null') : JSON.stringify(inOrder);
}

/** A copy with its members in order; undefined where that would not make JSON.stringify write the canonical form. */
function ordered(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    // A vector stays the one that it is.
    if (value.every(Number.isFinite)) return value;
    const items: unknown[] = [];
    for (const item of value) {
      const copy = ordered(item);
      if (copy === undefined) return undefined;
      items.push(copy);
    }
    return items;
  }
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    if (isSpecialName(name)) return undefined;
    copy[name] = ordered(member);
    if (copy[name] === undefined) return undefined;
  }
  return copy;
}

/** JavaScript puts names that are numbers first, whatever order they are set in, and takes the other two for something else. */
function isSpecialName(name: string): boolean {
  const first = name.charCodeAt(0);
  return (first >= DIGIT_0 && first <= DIGIT_9) || name === '__proto__' || name === 'toJSON';
}

const [DIGIT_0, DIGIT_9] = [0x30, 0x39];

/** The hot one: keys in canonical order by hand. `text` is well formed, so JSON.stringify is canonical for it. */
export function tokenEvent(index: number, text: string): TaskEvent {
  return { type: 'token', data: `{"i":${index},"t":${JSON.stringify(text)}}` };
}

/** @param choices a JSON list, of a chunk's choices as OpenAI's API has them */
export function deltaEvent(choices: string): TaskEvent {
  return { type: 'delta', data: canonicalJson({ choices: JSON.parse(choices) as unknown }) };
}

/** @param answer a JSON object */
export function resultEvent(answer: string): TaskEvent {
  return { type: 'result', data: canonicalJson(JSON.parse(answer) as object) };
}

export interface StartedData {
  readonly task_id: string;
  readonly queue_position: number;
  readonly predicted_start_ms: number;
  readonly predicted_start: PredictedStartView;
  readonly engine: string;
  readonly engine_version: string;
  readonly pool_id: string;
  readonly replica_id: string;
  readonly attempt: number;
  /** The built-in engine answers in place of a pool. */
  readonly stand_in?: true;
  readonly model_ref?: string;
  readonly model?: string;
}

export function startedEvent(data: StartedData): TaskEvent {
  const { attempt, engine, engine_version, model, model_ref, pool_id, predicted_start, predicted_start_ms } = data;
  const { queue_position, replica_id, stand_in, task_id } = data;
  const { basis, earliest_ms, latest_ms } = predicted_start;
  // Members in canonical order, as of all events that each task has: to put them in order takes longer than to write them.
  const inOrder = {
    attempt,
    engine,
    engine_version,
    model,
    model_ref,
    pool_id,
    predicted_start: { basis, earliest_ms, latest_ms },
    predicted_start_ms,
    queue_position,
    replica_id,
    stand_in,
    task_id,
  };
  return { type: 'started', data: JSON.stringify(inOrder) };
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
  const { on_time_probability, queue_depth, time_budget_remaining_ms, tokens_budget_remaining, tokens_out } = data;
  const { cost_budget_remaining, kv_warmth } = data;
  // Members in canonical order, and nothing in them that JSON.stringify would write otherwise.
  const head = `{"cost_budget_remaining":${cost_budget_remaining},`;
  const middle = `"kv_warmth":${kv_warmth},"on_time_probability":${on_time_probability},`;
  const tail =
    `"queue_depth":${queue_depth},"time_budget_remaining_ms":${time_budget_remaining_ms},` +
    `"tokens_budget_remaining":${tokens_budget_remaining},"tokens_out":${tokens_out}}`;
  return {
    type: 'metrics',
    data: head + middle + tail,
    verboseData: `${head}"human":${JSON.stringify(human)},${middle}"prep":${prep.length === 0 ? '[]' : canonicalJson(prep)},${tail}`,
  };
}

export interface EndData {
  readonly tokens_out: number;
  readonly tokens_in?: number;
  readonly tokens_cached?: number;
  /** Of tokens_out. */
  readonly tokens_reasoning?: number;
  readonly prompt_time_ms?: number;
  readonly decode_time_ms: number;
  /** The older name of decode_time_ms. */
  readonly decode_ms: number;
  readonly finish_reason: string;
  readonly model?: string;
}

/** Where an end is shown that nobody has told yet. */
export const untoldEnd: EndData = { tokens_out: 0, decode_time_ms: 0, decode_ms: 0, finish_reason: 'stop' };

export function endEvent(data: EndData): TaskEvent {
  const { decode_ms, decode_time_ms, finish_reason, model, prompt_time_ms } = data;
  const { tokens_cached, tokens_in, tokens_out, tokens_reasoning } = data;
  const inOrder = {
    decode_ms,
    decode_time_ms,
    finish_reason,
    model,
    prompt_time_ms,
    tokens_cached,
    tokens_in,
    tokens_out,
    tokens_reasoning,
  };
  return { type: 'end', data: JSON.stringify(inOrder) };
}

/** `{code, message, engine?, retriable, …}`: the envelope without a correlation id, which belongs to a request. */
export function errorEvent(error: ServiceError, seq?: number): TaskEvent {
  return { type: 'error', data: canonicalJson(toEnvelope(error)), ...(seq !== undefined && { seq }) };
}
