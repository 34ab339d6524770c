import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineTarget } from '../engine-adapter.port';
import type { EngineAnswer, EngineHttp } from '../wire/engine-http';
import { itemsOf, lineOf, membersOf } from '../wire/engine-json';
import { samplesOf, sumOf } from '../wire/prometheus';
import { tritonError } from './triton-error';

const MAX_MODELS = 1024;
const MAX_INPUTS = 256;
const NAME_CHARS = 256;
const REASON_CHARS = 500;
const INDEX_BYTES = 4 * 1024 * 1024;
const ANSWER_BYTES = 1024 * 1024;
/** Of a default install, which has its metrics at a port of their own. */
const API_PORT = '8000';
const METRICS_PORT = '8002';
const PENDING = 'nv_inference_pending_request_count';

export interface ListedModel {
  readonly name: string;
  readonly state: EngineModel['state'];
  readonly reason?: string;
}

/** The questions that Triton answers, for as long as `signal` allows. */
export class TritonServer {
  constructor(
    private readonly http: EngineHttp,
    private readonly target: EngineTarget,
    private readonly signal: AbortSignal,
  ) {}

  get(route: string): Promise<EngineAnswer> {
    return this.http.ask(this.target, { method: 'GET', route, maxAnswerBytes: ANSWER_BYTES }, this.signal);
  }

  post(route: string, body: object = {}): Promise<EngineAnswer> {
    return this.http.ask(this.target, { method: 'POST', route, body, maxAnswerBytes: INDEX_BYTES }, this.signal);
  }

  async version(): Promise<string | undefined> {
    const { status, json } = await this.get('/v2');
    if (status !== 200) throw tritonError(status, undefined);
    return lineOf(membersOf(json)['version'], NAME_CHARS);
  }

  /** Everything in the repository; a model that is not loaded has no more than a name. */
  async models(): Promise<readonly ListedModel[]> {
    const { status, json } = await this.post('/v2/repository/index');
    if (status !== 200) throw tritonError(status, undefined);
    if (!Array.isArray(json)) {
      throw new ServiceError('ENGINE_PROTOCOL', { engine: 'triton', message: 'The answer is not that of a Triton.' });
    }
    return itemsOf(json, MAX_MODELS).flatMap(item => listed(membersOf(item)) ?? []);
  }

  /** Names of the inputs of a model that answers with text; undefined for any other. */
  async inputsOf(model: string): Promise<ReadonlySet<string> | undefined> {
    const { status, json } = await this.get(`/v2/models/${encodeURIComponent(model)}`);
    if (status !== 200) return undefined;
    const { inputs, outputs } = membersOf(json);
    const names = namesIn(inputs);
    return names.has('text_input') && namesIn(outputs).has('text_output') ? names : undefined;
  }

  /** Requests that wait, over all models; undefined where the metrics are not where a default install has them. */
  async pending(): Promise<number | undefined> {
    const url = new URL(this.target.url);
    if (url.port !== API_PORT) return undefined;
    url.port = METRICS_PORT;
    const { apiKeyFile: _none, ...target } = this.target;
    try {
      const question = { method: 'GET', route: '/metrics', maxAnswerBytes: INDEX_BYTES } as const;
      const { status, text } = await this.http.askText({ ...target, url: url.origin }, question, this.signal);
      return status === 200 ? sumOf(samplesOf(text, [PENDING]).get(PENDING)) : undefined;
    } catch (error) {
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  }
}

function listed({ name, state, reason }: Readonly<Record<string, unknown>>): ListedModel | undefined {
  const known = lineOf(name, NAME_CHARS);
  if (known === undefined) return undefined;
  const why = typeof reason === 'string' ? lineOf(reason.split('\n', 1)[0], REASON_CHARS) : undefined;
  const said = stateOf(state, why);
  return { name: known, state: said, ...(said === 'failed' && why !== undefined && { reason: why }) };
}

/** `UNAVAILABLE` is what failed and what was unloaded; the latter says so. */
function stateOf(state: unknown, reason: string | undefined): EngineModel['state'] {
  switch (state) {
    case 'READY':
      return 'loaded';
    case 'LOADING':
      return 'loading';
    case 'UNAVAILABLE':
      return reason === undefined || reason === 'unloaded' ? 'unloaded' : 'failed';
    default:
      return 'unloaded';
  }
}

function namesIn(tensors: unknown): ReadonlySet<string> {
  return new Set(itemsOf(tensors, MAX_INPUTS).flatMap(tensor => lineOf(membersOf(tensor)['name'], NAME_CHARS) ?? []));
}
