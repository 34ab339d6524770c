import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineProbe, EngineTarget } from '../engine-adapter.port';
import type { EngineAnswer, EngineHttp } from '../wire/engine-http';
import { integerOf, itemsOf, lineOf, membersOf } from '../wire/engine-json';
import { factsOf, probeOf } from '../wire/openai/openai-server';
import { ollamaError } from './ollama-error';

const MAX_MODELS = 1024;
const MAX_CAPABILITIES = 32;
const NAME_CHARS = 256;
const LIST_BYTES = 4 * 1024 * 1024;
const ANSWER_BYTES = 64 * 1024;
const DEFAULT_TAG = ':latest';

/** The questions that Ollama answers, for as long as `signal` allows. */
export class OllamaServer {
  constructor(
    private readonly http: EngineHttp,
    private readonly target: EngineTarget,
    private readonly signal: AbortSignal,
  ) {}

  async object(route: string, maxAnswerBytes = LIST_BYTES): Promise<Readonly<Record<string, unknown>>> {
    const { status, json } = await this.http.ask(this.target, { method: 'GET', route, maxAnswerBytes }, this.signal);
    if (status !== 200) throw ollamaError(status, json);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return membersOf(json);
    throw new ServiceError('ENGINE_PROTOCOL', { engine: 'ollama', message: 'The answer is not that of an Ollama.' });
  }

  post(route: string, body: object): Promise<EngineAnswer> {
    const question = { method: 'POST', route, body, maxAnswerBytes: ANSWER_BYTES } as const;
    return this.http.ask(this.target, question, this.signal);
  }
}

/**
 * Asks an Ollama how it is: what it has (`/api/tags`), and of that, what is loaded (`/api/ps`, which also names one whose process was
 * killed, until its next request). It tells nothing of what runs or waits. A model is loaded by the first request that names it.
 */
export function probeOllama(server: OllamaServer): Promise<EngineProbe> {
  return probeOf(async () => {
    const version = lineOf((await server.object('/api/version', ANSWER_BYTES))['version'], NAME_CHARS);
    const listed = itemsOf((await server.object('/api/tags'))['models'], MAX_MODELS).map(membersOf);
    const running = new Map(
      itemsOf((await server.object('/api/ps'))['models'], MAX_MODELS)
        .map(membersOf)
        .map(model => [model['name'], integerOf(model['context_length'], 1)]),
    );
    const models = listed.flatMap(model => modelOf(model, running) ?? []);
    return {
      state: 'ready',
      ...factsOf(models),
      ...(version !== undefined && { engineVersion: version }),
      supportedWorkloads: workloadsOf(listed),
      features: ['streaming', 'cancel', 'seed', 'model-loading'],
    };
  });
}

function modelOf(
  model: Readonly<Record<string, unknown>>,
  running: ReadonlyMap<unknown, number | undefined>,
): EngineModel | undefined {
  const id = lineOf(model['name'], NAME_CHARS);
  if (id === undefined) return undefined;
  const ctxMax = running.get(id);
  return {
    id,
    ...(id.endsWith(DEFAULT_TAG) && { names: [id.slice(0, -DEFAULT_TAG.length)] }),
    state: running.has(id) ? 'loaded' : 'unloaded',
    ...(ctxMax !== undefined && { ctxMax }),
  };
}

/** Older versions do not tell what a model can. */
function workloadsOf(models: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const told = models.map(({ capabilities }) => itemsOf(capabilities, MAX_CAPABILITIES));
  const isUnsure = told.length === 0 || told.some(list => list.length === 0);
  const writes = isUnsure || told.some(list => list.includes('completion'));
  const embeds = isUnsure || told.some(list => list.includes('embedding'));
  return [...(writes ? ['completion', 'chat'] : []), ...(embeds ? ['embedding'] : [])];
}
