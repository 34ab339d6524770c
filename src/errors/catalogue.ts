/**
 * Every error a client can see, in one list: code → HTTP status, whether the same request may succeed later, and the
 * sentence used when the thrower gives none. `docs/errors.md` and the OpenAPI document are generated from it.
 *
 * `retriable` is about the very same request: true where waiting can help, false where the request must change.
 */
export interface CatalogueEntry {
  readonly status: number;
  readonly retriable: boolean;
  readonly message: string;
  /** When to come again, where the thrower cannot tell better. */
  readonly retryAfterMs?: number;
}

export const errorCatalogue = {
  INVALID_PARAMS: { status: 400, retriable: false, message: 'A parameter is not valid.' },
  DEADLINE_UNMET: { status: 400, retriable: false, message: 'The deadline cannot be met.' },
  UNAUTHENTICATED: {
    status: 401,
    retriable: false,
    message: 'An API key is required: send it as X-API-Key, or as the bearer of Authorization.',
  },
  FORBIDDEN: { status: 403, retriable: false, message: 'The API key is not valid.' },
  HOST_NOT_ALLOWED: { status: 403, retriable: false, message: 'The Host header does not name a loopback address.' },
  MISSING_TOKEN: { status: 401, retriable: false, message: 'MISSING_TOKEN' },
  BAD_TOKEN: { status: 401, retriable: false, message: 'BAD_TOKEN' },
  ROUTE_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such route.' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retriable: false,
    message: 'The method is not allowed here; `Allow` names those that are.',
  },
  FILE_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such file.' },
  BATCH_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such batch.' },
  TASK_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such task.' },
  RESPONSE_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such response.' },
  CONVERSATION_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such conversation.' },
  ITEM_NOT_FOUND: { status: 404, retriable: false, message: 'The conversation has no such item.' },
  POOL_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such pool.' },
  REPLICA_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such replica.' },
  MODEL_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such model in the catalogue.' },
  ARTIFACT_NOT_FOUND: { status: 404, retriable: false, message: 'There is no such artifact.' },
  REQUEST_TIMEOUT: { status: 408, retriable: true, message: 'The request did not arrive in time.' },
  TASK_CONFLICT: { status: 409, retriable: false, message: 'A task with this task_id but another body exists.' },
  CONVERSATION_LOCKED: {
    status: 409,
    retriable: true,
    message: 'A response of this conversation has not ended yet.',
  },
  FILE_IN_USE: { status: 409, retriable: false, message: 'The file is in use.' },
  MODEL_CONFLICT: { status: 409, retriable: false, message: 'A model with this id but other contents exists.' },
  MODEL_RETIRED: { status: 409, retriable: false, message: 'The model is retired and takes no new tasks.' },
  MODEL_UNVERIFIED: { status: 409, retriable: false, message: 'The model failed verification and is not loaded.' },
  RELOAD_FAILED: { status: 409, retriable: false, message: 'The model could not be loaded.' },
  REPLICA_CONFLICT: { status: 409, retriable: true, message: 'The engine is bound as another replica already.' },
  POOL_BUSY: { status: 409, retriable: true, message: 'Another operation on this pool is still running.' },
  TRANSCRIPT_GONE: { status: 410, retriable: false, message: 'The transcript of this task is no longer kept.' },
  BODY_TOO_LARGE: { status: 413, retriable: false, message: 'The request body is too large.' },
  URI_TOO_LONG: { status: 414, retriable: false, message: 'The request target is too long.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retriable: false, message: 'The body must be application/json.' },
  HEADERS_TOO_LARGE: { status: 431, retriable: false, message: 'The request headers are too large.' },
  ADMISSION_REJECT: { status: 429, retriable: true, message: 'The queue is full.' },
  QUEUE_FULL_DROP_LRU: { status: 429, retriable: true, message: 'Dropped to make room in a full queue.' },
  BUDGET_EXHAUSTED: { status: 429, retriable: false, message: 'The session has no budget left.' },
  INTERNAL: { status: 500, retriable: true, message: 'Something failed inside the service.' },
  NOT_SUPPORTED: { status: 501, retriable: false, message: 'The engine cannot do this.' },
  ENGINE_PROTOCOL: { status: 502, retriable: true, message: 'The engine sent something that is not its protocol.' },
  WORKER_RESET: { status: 502, retriable: true, message: 'The engine went away while it worked.' },
  POOL_UNAVAILABLE: { status: 503, retriable: true, message: 'No pool can take this task.' },
  POOL_UNREADY: { status: 503, retriable: true, message: 'No pool that may run this task is ready.' },
  POOL_DRAINED: { status: 503, retriable: true, message: 'The pool was drained before the task was done.' },
  MODEL_LOAD_FAILED: { status: 503, retriable: true, message: 'The engine could not load the model.' },
  REPLICA_EXHAUSTED: { status: 503, retriable: true, message: 'Every replica that was tried failed.' },
  ENGINE_BUSY: { status: 503, retriable: true, message: 'The engine has no room at the moment.' },
  STORAGE_UNAVAILABLE: {
    status: 503,
    retriable: true,
    message: 'Storage cannot be written at the moment.',
    retryAfterMs: 1000,
  },
  INTAKE_FULL: {
    status: 503,
    retriable: true,
    message: 'The bodies of requests that are under way leave no room for this one.',
  },
  SHUTTING_DOWN: { status: 503, retriable: true, message: 'The service is shutting down.' },
  NOT_READY: { status: 503, retriable: true, message: 'The service is still starting.' },
  ORCHESTRATOR_RESTARTED: {
    status: 503,
    retriable: true,
    message: 'The service restarted while the task was running.',
  },
  DECODE_TIMEOUT: { status: 504, retriable: true, message: 'The engine did not answer in time.' },
  RELOAD_TIMEOUT: { status: 504, retriable: true, message: 'The reload did not finish in time.' },
  STORAGE_FULL: { status: 507, retriable: true, message: 'There is no room to store this.' },
  OUTPUT_TOO_LARGE: { status: 500, retriable: false, message: 'The output passed the bound kept for one task.' },
  CANCELLED: { status: 409, retriable: false, message: 'The task was cancelled.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;
