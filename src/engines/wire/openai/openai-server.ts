import { ServiceError } from '../../../errors/service-error';
import type { EngineModel, EngineProbe, EngineTarget } from '../../engine-adapter.port';
import { engineError } from '../engine-error';
import type { EngineAnswer, EngineHttp } from '../engine-http';
import { integerOf, itemsOf, lineOf, membersOf } from '../engine-json';
import type { EngineText } from '../whole-answer';

/** More than any server has; what a report names beyond is left out. */
const MAX_MODELS = 1024;
const NAME_CHARS = 256;
const MODELS_BYTES = 4 * 1024 * 1024;

/** The questions that servers of OpenAI's API answer, for as long as `signal` allows. */
export class OpenaiServer {
  constructor(
    readonly engine: string,
    private readonly http: EngineHttp,
    private readonly target: EngineTarget,
    private readonly signal: AbortSignal,
  ) {}

  get(route: string, maxAnswerBytes: number): Promise<EngineAnswer> {
    return this.http.ask(this.target, { method: 'GET', route, maxAnswerBytes }, this.signal);
  }

  post(route: string, body: object, maxAnswerBytes: number): Promise<EngineAnswer> {
    return this.http.ask(this.target, { method: 'POST', route, body, maxAnswerBytes }, this.signal);
  }

  /** For an answer that is text. */
  ask(route: string, maxAnswerBytes: number): Promise<EngineText> {
    return this.http.askText(this.target, { method: 'GET', route, maxAnswerBytes }, this.signal);
  }

  /** @throws ServiceError also for any status but 200, and for what is no object */
  async object(route: string, maxAnswerBytes: number): Promise<Readonly<Record<string, unknown>>> {
    const { status, json } = await this.get(route, maxAnswerBytes);
    if (status !== 200) throw engineError(this.engine, status, json);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return membersOf(json);
    const message = `The answer is not that of a server of the kind ${this.engine}.`;
    throw new ServiceError('ENGINE_PROTOCOL', { engine: this.engine, message });
  }

  /** What can be asked for by name. The context is not of OpenAI's API: vLLM and SGLang say `max_model_len`, others have their own words. */
  async models(): Promise<readonly EngineModel[]> {
    const { data } = await this.object('/v1/models', MODELS_BYTES);
    return itemsOf(data, MAX_MODELS).flatMap(item => modelOf(membersOf(item)) ?? []);
  }
}

function modelOf(model: Readonly<Record<string, unknown>>): EngineModel | undefined {
  const id = lineOf(model['id'], NAME_CHARS);
  if (id === undefined) return undefined;
  const root = lineOf(model['root'], NAME_CHARS);
  const { max_model_len, context_length, max_context_length, context_window } = model;
  const ctxMax = [max_model_len, context_length, max_context_length, context_window]
    .map(value => integerOf(value, 1))
    .find(value => value !== undefined);
  return {
    id,
    // A path of the engine's machine is nobody's business.
    ...(root !== undefined && root !== id && !root.startsWith('/') && { names: [root] }),
    state: 'loaded',
    ...(ctxMax !== undefined && { ctxMax }),
  };
}

/** What models say of an engine as a whole: its context is the largest of theirs, and the first runs what names none. */
export function factsOf(models: readonly EngineModel[]): Pick<EngineProbe, 'models' | 'ctxMax' | 'loadedModel'> {
  const loaded = models.find(({ state }) => state === 'loaded');
  const ctxMax = Math.max(0, ...models.map(model => model.ctxMax ?? 0));
  return { models, ...(ctxMax > 0 && { ctxMax }), ...(loaded && { loadedModel: loaded.id }) };
}

/** An engine that cannot be reached, or says that it is not ready, has told how it is. */
export async function probeOf(ask: () => Promise<EngineProbe>): Promise<EngineProbe> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { state: error.code === 'ENGINE_BUSY' ? 'loading' : 'unreachable', reason: error.message };
  }
}
