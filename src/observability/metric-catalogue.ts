/** A metric as it is registered before its first use. Labels and names are a contract with dashboards and alerts. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly LabelName[];
}

/** Most values a label takes; further ones fold into `other`, so that nobody's input can make series without end. */
export const labelBounds = {
  engine: 8,
  engine_version: 64,
  pool_id: 256,
  replica_id: 1024,
  priority: 2,
  reason: 16,
  policy: 4,
  result: 4,
  outcome: 8,
  pinned: 2,
  fallback: 2,
  model_id: 1024,
  state: 8,
  route: 64,
  method: 8,
  status: 32,
  device: 64,
} as const;

export type LabelName = keyof typeof labelBounds;

const servedBy = ['engine', 'engine_version', 'pool_id', 'replica_id'] as const;
const served = ['engine', 'engine_version', 'pool_id', 'priority'] as const;

export const metricCatalogue = {
  tasks_enqueued_total: { kind: 'counter', help: 'Tasks accepted.', labels: [...servedBy, 'priority'] },
  tasks_started_total: { kind: 'counter', help: 'Tasks whose output began.', labels: [...servedBy, 'priority'] },
  tasks_canceled_total: {
    kind: 'counter',
    help: 'Tasks cancelled, by who wanted it.',
    labels: [...servedBy, 'reason'],
  },
  tasks_rejected_total: {
    kind: 'counter',
    help: 'Tasks refused at admission, by error code.',
    labels: ['engine', 'reason'],
  },
  tokens_in_total: { kind: 'counter', help: 'Prompt tokens, as engines count them.', labels: servedBy },
  tokens_cached_total: {
    kind: 'counter',
    help: 'Prompt tokens that engines had in their caches, where they say so.',
    labels: servedBy,
  },
  tokens_out_total: { kind: 'counter', help: 'Generated tokens, as engines count them.', labels: servedBy },
  admission_backpressure_events_total: {
    kind: 'counter',
    help: 'Refusals for want of room.',
    labels: ['engine', 'policy'],
  },
  catalog_verifications_total: {
    kind: 'counter',
    help: 'Model verifications.',
    labels: ['result', 'reason', 'engine'],
  },
  placement_decisions_total: {
    kind: 'counter',
    help: 'Placement decisions.',
    labels: ['outcome', 'pinned', 'fallback'],
  },
  batch_lines_total: {
    kind: 'counter',
    help: 'Requests of batches that are done: answered, failed, or stopped with their batch.',
    labels: ['result'],
  },
  open_batches: { kind: 'gauge', help: 'Batches that have not ended, by status.', labels: ['state'] },
  queue_depth: { kind: 'gauge', help: 'Tasks queued.', labels: served },
  kv_cache_usage_ratio: {
    kind: 'gauge',
    help: 'KV cache in use, 0 to 1, where the engine reports it.',
    labels: servedBy,
  },
  gpu_utilization: { kind: 'gauge', help: 'GPU utilization, 0 to 1, where reported.', labels: [...servedBy, 'device'] },
  vram_used_bytes: { kind: 'gauge', help: 'VRAM in use, where reported.', labels: [...servedBy, 'device'] },
  model_state: { kind: 'gauge', help: 'Replicas that have the model in this state.', labels: ['model_id', 'state'] },
  placement_candidates_considered: { kind: 'gauge', help: 'Replicas looked at by the last placement.', labels: [] },
  http_requests_total: {
    kind: 'counter',
    help: 'Requests answered, by route, method and status; a stream counts when it begins.',
    labels: ['route', 'method', 'status'],
  },
  http_request_duration_ms: {
    kind: 'histogram',
    help: 'From the head of a request to the head of its answer.',
    labels: ['route', 'method'],
  },
  log_lines_dropped_total: {
    kind: 'counter',
    help: 'Log lines given up because the log could not be written, by reason.',
    labels: ['reason'],
  },
  latency_first_token_ms: {
    kind: 'histogram',
    help: 'From the start of the attempt to its first token.',
    labels: served,
  },
  latency_prompt_ms: {
    kind: 'histogram',
    help: 'Time the engine read the prompt, where it says so.',
    labels: served,
  },
  latency_decode_ms: { kind: 'histogram', help: 'Time the engine decoded.', labels: served },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricCatalogue;

/** From a cached one-token answer to a long generation. */
export const latencyBucketsMs = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000];
