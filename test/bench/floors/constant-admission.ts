/** An answer of the size and shape of an admission's, to be sent to every request. */
export const constantAdmission = {
  task_id: 'task-0-000001',
  session_id: 'session-0-000001',
  queue_position: 0,
  predicted_start_ms: 0,
  streams: { sse: '/v2/tasks/task-0-000001/events', sse_verbose: '/v2/tasks/task-0-000001/events?verbose=true' },
  preparation: { steps: [{ kind: 'pool_warmup', detail: 'no pool that may run this task is ready yet' }] },
};

/** The headers of an admission's answer. */
export const constantHeaders = {
  'X-Correlation-Id': '018f3a5e-0000-7000-8000-000000000000',
  'X-Content-Type-Options': 'nosniff',
  'X-Budget-Tokens-Remaining': '10000000',
  'X-Budget-Time-Remaining-Ms': '86400000',
  'X-Budget-Cost-Remaining': '1000',
};
