import type { Random } from '../crash/random';
import type { Operation } from './api-document';
import { EMBEDDER, RANKER, WRITER } from './service-under-fuzz';

const KEPT = 60;

/** What an id or a cursor is of, by where it stands. */
const kindsByName: Readonly<Record<string, string>> = {
  task_id: 'task',
  session_id: 'session',
  pool: 'pool',
  pool_id: 'pool',
  pin_pool_id: 'pool',
  prefer_pools: 'pool',
  avoid_pools: 'pool',
  replica: 'replica',
  replica_id: 'replica',
  model_ref: 'model',
  new_model_ref: 'model',
  purge_models: 'model',
  transcript_artifact_id: 'artifact',
  file_id: 'file',
  input_file_id: 'input',
  batch_id: 'batch',
  response_id: 'response',
  conversation_id: 'conversation',
  conversation: 'conversation',
  item_id: 'item',
  previous_response_id: 'response',
  completion_window: 'window',
  engine: 'engine',
  url: 'url',
  last_event_id: 'event',
  wait: 'wait',
  role: 'role',
  'Last-Event-ID': 'event',
  'X-Orchd-Session': 'session',
};

/** Kinds of which the run is given all there are to try. */
const given = new Set(['item', 'talk', 'engine', 'url', 'wait', 'role', 'window', WRITER, EMBEDDER, RANKER]);
/** Pools that are left alone: drained, they would answer nothing but 503 for the rest of a run. */
const spared = new Set([WRITER, EMBEDDER, RANKER]);

/** What a registration answers with, and a list of workers holds. */
interface Worker {
  readonly pool_id: string;
  readonly replica_id: string;
}
/** An item's id means nothing without its conversation: those of the start have items of these names. */
const ITEM_PATH = '/items/{item_id}';
const WORKER_PATH = '/{pool}/{replica}';
/** The newest: most of the others have lapsed. */
const WORKERS_KEPT = 4;

/** What answers have told of, so that requests can name what there is. */
export class Memory {
  private readonly known = new Map<string, string[]>();
  private readonly workers: Worker[] = [];
  private worker: Worker | undefined;

  constructor(
    private readonly random: Random,
    atStart: Readonly<Record<string, readonly string[]>>,
  ) {
    for (const [kind, texts] of Object.entries(atStart)) this.known.set(kind, [...texts]);
  }

  recall(operation: Operation, name: string): string | undefined {
    if (operation.path.endsWith(WORKER_PATH)) return this.recallWorker(name);
    const isTalk = name === 'conversation_id' && operation.path.endsWith(ITEM_PATH);
    const known = this.known.get(isTalk ? 'talk' : (kindOf(operation, name) ?? ''));
    return known && known.length > 0 ? this.random.pick(known) : undefined;
  }

  /** Keeps the names that an answer holds, the newest of each kind. */
  learn(operation: Operation, body: unknown): void {
    if (Array.isArray(body)) for (const member of body) this.learn(operation, member);
    if (typeof body !== 'object' || body === null) return;
    this.learnWorker(body);
    this.learnInput(body);
    for (const [name, value] of Object.entries(body)) {
      if (typeof value !== 'string') this.learn(operation, value);
      else this.keep(kindOf(operation, name === 'next_cursor' ? 'cursor' : name), value);
    }
  }

  /** A replica's name means nothing without that of its pool, which comes first in a path. */
  private recallWorker(name: string): string | undefined {
    if (name === 'pool') this.worker = this.workers.length > 0 ? this.random.pick(this.workers) : undefined;
    return name === 'pool' ? this.worker?.pool_id : this.worker?.replica_id;
  }

  private learnWorker(body: object): void {
    const { pool_id, replica_id } = body as Partial<Worker>;
    if (typeof pool_id !== 'string' || typeof replica_id !== 'string' || spared.has(pool_id)) return;
    this.workers.push({ pool_id, replica_id });
    if (this.workers.length > WORKERS_KEPT) this.workers.shift();
  }

  /** Of all files a batch takes those alone that were sent for one. */
  private learnInput(body: object): void {
    const { id, purpose } = body as { readonly id?: unknown; readonly purpose?: unknown };
    if (purpose === 'batch' && typeof id === 'string') this.keep('input', id);
  }

  private keep(kind: string | undefined, text: string): void {
    if (kind === undefined || given.has(kind) || !text.isWellFormed()) return;
    if (kind === 'pool' && spared.has(text)) return;
    const known = this.known.get(kind) ?? [];
    if (known.includes(text)) return;
    known.push(text);
    if (known.length > KEPT) known.splice(this.random.below(KEPT), 1);
    this.known.set(kind, known);
  }
}

function kindOf({ path }: Operation, name: string): string | undefined {
  if (name === 'cursor') return `cursor of ${path}`;
  if (name === 'model' && !path.startsWith('/v2/')) return served(path);
  if (name !== 'id') return kindsByName[name];
  if (path.startsWith('/v1/files')) return 'file';
  if (path.startsWith('/v1/batches')) return 'batch';
  if (path.startsWith('/v1/responses')) return 'response';
  if (path.startsWith('/v1/conversations') && !path.includes('/items')) return 'conversation';
  return /^\/v2\/(task|session|pool|artifact|catalog\/model)s/.exec(path)?.[1]?.replace('catalog/', '');
}

/** The model that does what a path of OpenAI's API asks for. */
function served(path: string): string {
  if (path.endsWith('/embeddings') || path.endsWith('/embed')) return EMBEDDER;
  return path.endsWith('/rerank') ? RANKER : WRITER;
}
