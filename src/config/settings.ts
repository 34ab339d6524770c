import { aliasChains } from './model-aliases';
import {
  bytes,
  decimal,
  hostOrCidr,
  httpUrl,
  identifier,
  integer,
  list,
  listenAddress,
  milliseconds,
  namedUrl,
  oneOf,
  origin,
  path,
  secret,
  type Parser,
} from './parsers';
import { storeAddress } from './store-address';

/** One environment variable: how it is read, what holds where it is not set, and its line in the README's table. */
export interface Setting<T> {
  readonly env: string;
  readonly parser: Parser<T>;
  /** In the form of the environment; undefined where the setting has no value unless given. */
  readonly fallback: string | undefined;
  readonly help: string;
}

function setting<T>(env: string, parser: Parser<T>, fallback: string, help: string): Setting<T> {
  return { env, parser, fallback, help };
}

function optional<T>(env: string, parser: Parser<T>, help: string): Setting<T | undefined> {
  return { env, parser, fallback: undefined, help };
}

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

/** All settings, in the order of the README's table (which is generated from this list). */
export const settings = {
  addr: setting('ORCHD_ADDR', listenAddress, '127.0.0.1:8080', 'Where the service listens.'),
  dataDir: setting(
    'ORCHD_DATA_DIR',
    path,
    '.runtime/data',
    'Journal, catalogue and artifacts. One process per folder.',
  ),
  store: setting(
    'ORCHD_STORE',
    storeAddress,
    'embedded',
    'Where tasks, sessions and pools are kept: in this process, or on a Redis or Valkey (7.0 and newer) that several nodes share.',
  ),
  storeDeployment: setting(
    'ORCHD_STORE_DEPLOYMENT',
    identifier,
    'orchestratord',
    'With a shared store: nodes of one name are one service. Several can share a server.',
  ),
  storeUser: optional('ORCHD_STORE_USER', identifier, 'The user that nodes go by there.'),
  storePasswordFile: optional('ORCHD_STORE_PASSWORD_FILE', path, 'File with its password, read at each connection.'),
  storeSentinelPasswordFile: optional(
    'ORCHD_STORE_SENTINEL_PASSWORD_FILE',
    path,
    'File with the password of the sentinels, where they have one.',
  ),
  storeCaFile: optional('ORCHD_STORE_CA_FILE', path, 'Certificates that sign that of a `rediss://` server.'),
  storeCertFile: optional(
    'ORCHD_STORE_CERT_FILE',
    path,
    'Certificate by which such a server knows a node, where it asks for one; with `ORCHD_STORE_KEY_FILE`.',
  ),
  storeKeyFile: optional('ORCHD_STORE_KEY_FILE', path, 'The private key of that certificate.'),
  storeDurability: setting(
    'ORCHD_STORE_DURABILITY',
    oneOf('disk', 'replica', 'memory'),
    'disk',
    'What a shared store has done with a task before it is acknowledged: synced it to its disk, given it to a replica as well, or neither.',
  ),
  storeLeaseMs: setting(
    'ORCHD_STORE_LEASE_MS',
    milliseconds(2000, 60_000),
    '6000',
    'How long a node of a shared store keeps its tasks without renewing that: so long after it was killed others take them over, and a pause of half of it loses none.',
  ),
  runtimeDir: setting('ORCHD_RUNTIME_DIR', path, '.runtime/engines', 'Folder watched for handoff files.'),
  modelsDir: setting('ORCHD_MODELS_DIR', path, '~/.cache/models', 'Root under which model files live.'),

  apiKeys: setting('ORCHD_API_KEYS', list(secret, 1000), '', 'API keys. With none, loopback only, the key is `valid`.'),
  apiKeysFile: optional(
    'ORCHD_API_KEYS_FILE',
    path,
    'API keys, one per line, at most 10000 in 1 MiB; read again when the file changes.',
  ),
  corsOrigins: setting(
    'ORCHD_CORS_ORIGINS',
    list(origin, 100),
    '',
    'Pages in browsers that may use the service, by their origins; none unless set. A key they need all the same.',
  ),
  authToken: optional('AUTH_TOKEN', secret, 'Bearer token that workers register with.'),
  authTokenFile: optional('AUTH_TOKEN_FILE', path, 'The same, read from a file.'),

  admissionCapacity: setting(
    'ORCHD_ADMISSION_CAPACITY',
    integer(1, 1_000_000),
    '16',
    'Tasks that may wait in the queue.',
  ),
  unservedCapacity: optional(
    'ORCHD_UNSERVED_CAPACITY',
    integer(0, 1_000_000),
    'Tasks that may wait for an engine that is not bound or not up; as many as `ORCHD_ADMISSION_CAPACITY` when unset. They take no place from others.',
  ),
  admissionPolicy: setting(
    'ORCHD_ADMISSION_POLICY',
    oneOf('reject', 'drop-lru'),
    'reject',
    'When the queue is full: refuse the new task, or drop the one queued longest.',
  ),
  batchAgeingMs: setting(
    'ORCHD_BATCH_AGEING_MS',
    milliseconds(0),
    '30000',
    'Head start of interactive tasks: a batch task that has waited this long goes before newer interactive ones.',
  ),
  queueMaxBytes: setting(
    'ORCHD_QUEUE_MAX_BYTES',
    bytes(MIB, 64 * 1024 * MIB),
    String(256 * MIB),
    'Request bytes that all queued tasks together may hold.',
  ),
  fallback: setting(
    'ORCHD_FALLBACK',
    oneOf('auto', 'deterministic', 'wait', 'error'),
    'auto',
    'When a stream is opened and no pool is ready: a stand-in answers, the task waits, or it ends with POOL_UNREADY. `auto`: a stand-in as long as no engine was ever bound or configured and the task names no pool, waiting from then on.',
  ),
  modelAliases: optional(
    'ORCHD_MODEL_ALIASES',
    aliasChains,
    'Names that requests may give a model: each stands for the first of its models that something live serves. Read once, at start.',
  ),
  firstByteMs: setting(
    'ORCHD_FIRST_BYTE_MS',
    milliseconds(0),
    '10000',
    "How long the head of a streamed answer of OpenAI's API waits for the first output, so that a refusal has its status.",
  ),
  detachGraceMs: setting(
    'ORCHD_DETACH_GRACE_MS',
    milliseconds(0),
    '30000',
    'How long a task with `on_disconnect: cancel` runs on after its last reader left.',
  ),
  taskRetentionMs: setting(
    'ORCHD_TASK_RETENTION_MS',
    milliseconds(0),
    '600000',
    'How long an ended task can be asked for.',
  ),
  tokenEstimates: setting(
    'ORCHD_TOKEN_ESTIMATES',
    oneOf('off', 'on'),
    'off',
    'Whether tokens are estimated by the length of a text where no tokenizer can be asked; `X-Orchd-Estimated` says so.',
  ),
  responseRetentionMs: setting(
    'ORCHD_RESPONSE_RETENTION_MS',
    milliseconds(0),
    '2592000000',
    'How long a response of `/v1/responses` that has ended is kept, unless it was not to be stored.',
  ),
  responsesMax: setting(
    'ORCHD_RESPONSES_MAX',
    integer(1, 100_000_000),
    '1000000',
    'Responses that are kept at once; those that ended first go first, those that have not ended never.',
  ),
  responsesMaxBytes: setting(
    'ORCHD_RESPONSES_MAX_BYTES',
    bytes(MIB, Number.MAX_SAFE_INTEGER),
    String(10 * 1024 * MIB),
    'Bytes that they have together, likewise.',
  ),
  conversationRetentionMs: setting(
    'ORCHD_CONVERSATION_RETENTION_MS',
    milliseconds(0),
    '2592000000',
    'How long a conversation of `/v1/conversations` is kept from when it last changed.',
  ),
  conversationsMax: setting(
    'ORCHD_CONVERSATIONS_MAX',
    integer(1, 100_000_000),
    '1000000',
    'Conversations that are kept at once; those that changed last stay.',
  ),
  conversationsMaxBytes: setting(
    'ORCHD_CONVERSATIONS_MAX_BYTES',
    bytes(MIB, Number.MAX_SAFE_INTEGER),
    String(10 * 1024 * MIB),
    'Bytes that they have together, likewise.',
  ),
  conversationMaxItems: setting(
    'ORCHD_CONVERSATION_MAX_ITEMS',
    integer(1, 100_000),
    '10000',
    'Items of one conversation: one that has as many takes no more.',
  ),
  conversationMaxBytes: setting(
    'ORCHD_CONVERSATION_MAX_BYTES',
    bytes(1024, 64 * MIB),
    String(4 * MIB),
    'Bytes of one conversation, likewise.',
  ),
  taskOutputMaxBytes: setting(
    'ORCHD_TASK_OUTPUT_MAX_BYTES',
    bytes(1024, 1024 * MIB),
    String(8 * MIB),
    "Bound of one task's event log; past it the task ends with OUTPUT_TOO_LARGE.",
  ),
  eventCacheBytes: setting(
    'ORCHD_EVENT_CACHE_BYTES',
    bytes(0, 64 * 1024 * MIB),
    String(8 * MIB),
    'Event logs of ended tasks kept in memory; beyond it they are read back from their transcripts.',
  ),
  engineFirstTokenTimeoutMs: setting(
    'ORCHD_ENGINE_FIRST_TOKEN_TIMEOUT_MS',
    milliseconds(),
    '600000',
    'Silence of an engine before its first token after which it counts as stuck; progress in the prompt breaks it.',
  ),
  engineIdleTimeoutMs: setting(
    'ORCHD_ENGINE_IDLE_TIMEOUT_MS',
    milliseconds(),
    '60000',
    'Silence of an engine in the middle of a stream after which it counts as stuck.',
  ),
  sseHeartbeatMs: setting('ORCHD_SSE_HEARTBEAT_MS', milliseconds(), '15000', 'A comment line after this much silence.'),
  sseMicrobatchMs: setting(
    'ORCHD_SSE_MICROBATCH_MS',
    milliseconds(0, 1000),
    '0',
    'Tokens that come within this time of the last write share the next one; 0 writes each at once.',
  ),
  shutdownGraceMs: setting(
    'ORCHD_SHUTDOWN_GRACE_MS',
    milliseconds(0),
    '30000',
    'How long running streams may go on after SIGTERM.',
  ),

  sessionTtlMs: setting('ORCHD_SESSION_TTL_MS', milliseconds(), '600000', 'Life of an idle session; work renews it.'),
  sessionsMax: setting(
    'ORCHD_SESSIONS_MAX',
    integer(1, 10_000_000),
    '100000',
    'Sessions kept; the longest idle goes first.',
  ),
  sessionTokensBudget: setting(
    'ORCHD_SESSION_TOKENS_BUDGET',
    integer(0, Number.MAX_SAFE_INTEGER),
    '10000000',
    'Generated tokens a session may spend.',
  ),
  sessionTimeBudgetMs: setting(
    'ORCHD_SESSION_TIME_BUDGET_MS',
    integer(0, Number.MAX_SAFE_INTEGER),
    String(DAY_MS),
    'Engine time a session may spend.',
  ),
  sessionCostBudget: setting('ORCHD_SESSION_COST_BUDGET', decimal(0, 1e12), '1000', 'Cost a session may spend.'),
  costPer1kTokens: setting('ORCHD_COST_PER_1K_TOKENS', decimal(0, 1e9), '0', 'Cost of 1,000 generated tokens.'),

  llamacppUrl: optional('ORCHD_LLAMACPP_URL', httpUrl, 'A llama.cpp server to bind at start.'),
  llamacppPool: setting('ORCHD_LLAMACPP_POOL', identifier, 'default', 'The pool it is bound to.'),
  llamacppReplica: setting('ORCHD_LLAMACPP_REPLICA', identifier, 'r0', 'Its replica id.'),
  llamacppApiKeyFile: optional(
    'ORCHD_LLAMACPP_API_KEY_FILE',
    path,
    'File with the key that this server wants (`--api-key`); read again when it changes.',
  ),
  engineUrls: setting(
    'ORCHD_ENGINE_URLS',
    list(namedUrl, 100),
    '',
    'Engines to bind at start, each in the pool that has the name of its kind: `vllm=http://10.0.0.7:8000,openai=https://…;hosted.key`, the last with its key file.',
  ),
  engineSlots: optional(
    'ORCHD_ENGINE_SLOTS',
    integer(1, 4096),
    'How many requests at once each of these gets that does not tell it itself.',
  ),
  engineKeysDir: optional(
    'ORCHD_ENGINE_KEYS_DIR',
    path,
    'Folder of the key files that registrations, handoff files (`api_key_file`) and `ORCHD_ENGINE_URLS` may name.',
  ),
  engineAllow: setting(
    'ORCHD_ENGINE_ALLOW',
    list(hostOrCidr, 1000),
    '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7',
    'Hosts and CIDRs at which an engine may live; link-local addresses never.',
  ),
  probeIntervalMs: setting(
    'ORCHD_PROBE_INTERVAL_MS',
    milliseconds(10),
    '2000',
    'How often each engine is asked for its health.',
  ),
  probeTimeoutMs: setting('ORCHD_PROBE_TIMEOUT_MS', milliseconds(10), '5000', 'How long an engine has to answer that.'),
  modelRetryMs: setting(
    'ORCHD_MODEL_RETRY_MS',
    milliseconds(),
    '60000',
    'How long a model that an engine could not load is left alone before it is tried again.',
  ),
  reloadTimeoutMs: setting('ORCHD_RELOAD_TIMEOUT_MS', milliseconds(), '120000', 'Bound of one pool reload.'),
  handoffWatchIntervalMs: setting(
    'ORCHD_HANDOFF_WATCH_INTERVAL_MS',
    milliseconds(10),
    '1000',
    'How often the handoff folder is scanned.',
  ),

  transcriptRetentionMs: setting(
    'ORCHD_TRANSCRIPT_RETENTION_MS',
    milliseconds(),
    String(7 * DAY_MS),
    'How long transcripts are kept.',
  ),
  artifactsMaxBytes: setting(
    'ORCHD_ARTIFACTS_MAX_BYTES',
    bytes(MIB, Number.MAX_SAFE_INTEGER),
    String(10 * 1024 * MIB),
    'Bound of the artifact store; the oldest transcripts go first, uploaded documents never.',
  ),
  fileMaxBytes: setting(
    'ORCHD_FILE_MAX_BYTES',
    bytes(1024, 64 * 1024 * MIB),
    String(512 * MIB),
    'Largest file that may be uploaded to `/v1/files`.',
  ),
  filesMaxBytes: setting(
    'ORCHD_FILES_MAX_BYTES',
    bytes(MIB, Number.MAX_SAFE_INTEGER),
    String(10 * 1024 * MIB),
    'Bound of all files together, output of batches among them; past it uploads are refused. With `ORCHD_STORE` they are in its memory: what it has room for.',
  ),
  filesMax: setting(
    'ORCHD_FILES_MAX',
    integer(1, 1_000_000),
    '100000',
    'Files that are kept at once; past it uploads are refused. Those that batches write are counted, and never refused.',
  ),
  fileRetentionMs: setting(
    'ORCHD_FILE_RETENTION_MS',
    milliseconds(),
    String(30 * DAY_MS),
    'How long files are kept whose clients do not say it.',
  ),
  batchMaxLines: setting(
    'ORCHD_BATCH_MAX_LINES',
    integer(1, 1_000_000),
    '50000',
    'Requests that the file of one batch may have.',
  ),
  batchLineMaxBytes: setting(
    'ORCHD_BATCH_LINE_MAX_BYTES',
    bytes(1024, 16 * MIB),
    String(MIB),
    'Longest line of such a file.',
  ),
  batchesMax: setting('ORCHD_BATCHES_MAX', integer(1, 100_000), '10000', 'Batches that may be open at once.'),
  batchesKeptMax: setting(
    'ORCHD_BATCHES_KEPT_MAX',
    integer(1, 10_000_000),
    '100000',
    'Batches that can be asked for; those that ended first are forgotten first, those that have not ended never.',
  ),
  batchLinesAtOnce: optional(
    'ORCHD_BATCH_LINES_AT_ONCE',
    integer(1, 100_000),
    'Requests of all batches, of all nodes, under way at once; three quarters of the slots of live engines when unset, so that others find some free.',
  ),
  batchLinesAtOnceEach: setting('ORCHD_BATCH_LINES_AT_ONCE_EACH', integer(1, 100_000), '256', 'The same of one batch.'),
  batchModelWaitMs: setting(
    'ORCHD_BATCH_MODEL_WAIT_MS',
    milliseconds(0),
    '600000',
    'How long requests of batches wait for a model that no engine has, from when they last found it or, at the least, from the start of the service; 0: they fail at once.',
  ),
  batchWindowMinMs: setting(
    'ORCHD_BATCH_WINDOW_MIN_MS',
    milliseconds(),
    '60000',
    'Shortest `completion_window` that a batch may ask for.',
  ),
  batchWindowMaxMs: setting(
    'ORCHD_BATCH_WINDOW_MAX_MS',
    milliseconds(),
    String(7 * DAY_MS),
    'Longest `completion_window` that a batch may ask for.',
  ),
  batchRetentionMs: setting(
    'ORCHD_BATCH_RETENTION_MS',
    milliseconds(),
    String(30 * DAY_MS),
    'How long a batch that has ended can be asked for.',
  ),
  bodyLimitBytes: setting('ORCHD_BODY_LIMIT_BYTES', bytes(1024, 256 * MIB), String(4 * MIB), 'Largest request body.'),
  intakeMaxBytes: setting(
    'ORCHD_INTAKE_MAX_BYTES',
    bytes(MIB, 64 * 1024 * MIB),
    String(64 * MIB),
    'Body bytes that all requests under way together may hold; room for four of the largest bodies there always is.',
  ),
  logLevel: setting(
    'ORCHD_LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'Least severe line logged.',
  ),
  logFormat: setting('ORCHD_LOG_FORMAT', oneOf('json', 'pretty'), 'json', 'JSON lines, or a form for people.'),
} as const satisfies Record<string, Setting<unknown>>;

export type Settings = {
  readonly [K in keyof typeof settings]: (typeof settings)[K] extends Setting<infer T> ? T : never;
};

/** Names that look like settings and are refused with the reason, so that nobody believes they work. */
export const refusedSettings: Readonly<Record<string, string>> = {
  ORCHD_PREFER_H2:
    'HTTP/2 is not offered: Node cannot serve HTTP/1.1 and clear-text HTTP/2 on one port; HTTP/2 ends at the ingress.',
};
