import { setTimeout as pause } from 'node:timers/promises';
import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineTarget, Operation } from '../engine-adapter.port';
import type { EngineAnswer, EngineHttp } from '../wire/engine-http';
import { integerOf, itemsOf, lineOf, membersOf } from '../wire/engine-json';
import { fileNamesOf } from '../model-names';
import { llamacppError } from './llamacpp-error';

/** More than any server has; what a report names beyond is left out. */
const MAX_MODELS = 1024;
const MAX_SLOTS = 4096;
const MAX_ALIASES = 32;
const MAX_ARGS = 512;
export const NAME_CHARS = 256;
const PATH_CHARS = 4096;
const MODEL_POLL_MS = 100;
/** What each answer has room for: a state; a chat template; settings of hundreds of slots; arguments of a thousand models. */
const maxAnswerBytes = {
  health: 16 * 1024,
  props: 1024 * 1024,
  slots: 1024 * 1024,
  models: 4 * 1024 * 1024,
  operation: 64 * 1024,
} as const;

/** What a server says of itself under `/props`. */
export interface ServerProps {
  /** Router mode: many models behind one server, each in a process of its own. */
  readonly isRouter: boolean;
  /** Undefined where the server is too old to sleep. */
  readonly isSleeping?: boolean;
  readonly version?: string;
  /** Of the model of a server with one model; the path stands here too where no alias was given. */
  readonly modelAlias?: string;
  readonly modelPath?: string;
  readonly slotsTotal?: number;
  /** Of one slot. */
  readonly ctxMax?: number;
  /** Models that a router loads at most; 0 means no bound. */
  readonly maxInstances: number;
  /** Whether a router loads the model of a request by itself. */
  readonly autoload: boolean;
}

/**
 * The questions that llama.cpp's server answers (as of late 2026; recorded in test/wire), for as long as `signal` allows.
 * `model` asks a router about one of its loaded models.
 */
export class LlamaServer {
  constructor(
    private readonly http: EngineHttp,
    private readonly target: EngineTarget,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws ServiceError ENGINE_BUSY while it is loading its model */
  async health(): Promise<void> {
    await this.object('/health', maxAnswerBytes.health);
  }

  async props(model?: string): Promise<ServerProps> {
    const props = await this.object(`/props${queryOf(model)}`, maxAnswerBytes.props);
    const modelPath = lineOf(props['model_path'], PATH_CHARS);
    const modelAlias = lineOf(props['model_alias'], PATH_CHARS);
    const version = lineOf(props['build_info'], NAME_CHARS);
    const slotsTotal = integerOf(props['total_slots'], 1);
    const ctxMax = integerOf(membersOf(props['default_generation_settings'])['n_ctx'], 1);
    return {
      isRouter: props['role'] === 'router',
      ...(typeof props['is_sleeping'] === 'boolean' && { isSleeping: props['is_sleeping'] }),
      ...(modelAlias !== undefined && { modelAlias }),
      ...(modelPath !== undefined && { modelPath }),
      ...(version !== undefined && { version }),
      ...(slotsTotal !== undefined && { slotsTotal: Math.min(slotsTotal, MAX_SLOTS) }),
      ...(ctxMax !== undefined && { ctxMax }),
      maxInstances: Math.min(integerOf(props['max_instances']) ?? 0, MAX_SLOTS),
      autoload: props['models_autoload'] !== false,
    };
  }

  /**
   * Slots at work. Asking wakes a server that sleeps, keeps one that is idle from falling asleep, and one that is busy from noticing
   * that a client has gone. (`/metrics` does the first two not, but begins its means anew, which are for who scrapes them.)
   * Undefined where the server does not show them (`--no-slots`), or shows more than is read.
   */
  async busySlots(model?: string): Promise<number | undefined> {
    const route = `/slots${queryOf(model)}`;
    const { status, json } = await this.get(route, maxAnswerBytes.slots).catch(unlessTooLarge);
    if (status !== 200 || !Array.isArray(json)) return undefined;
    return itemsOf(json, MAX_SLOTS).filter(slot => membersOf(slot)['is_processing'] === true).length;
  }

  /** As the server lists them; one with a single model lists that. */
  async models(): Promise<readonly EngineModel[]> {
    const { data } = await this.object('/v1/models', maxAnswerBytes.models);
    return itemsOf(data, MAX_MODELS).flatMap(item => listedModel(membersOf(item)) ?? []);
  }

  /** A model once its state is none of those that pass; undefined when there is no such model. */
  async modelAfter(id: string, passing: readonly EngineModel['state'][]): Promise<EngineModel | undefined> {
    for (;;) {
      const model = (await this.models()).find(each => each.id === id);
      if (!model || !passing.includes(model.state)) return model;
      const { state } = model;
      await pause(MODEL_POLL_MS, undefined, { signal: this.signal }).catch((cause: unknown) => {
        throw new ServiceError(
          'DECODE_TIMEOUT',
          { engine: 'llamacpp', message: `The model was still ${state}.` },
          cause,
        );
      });
    }
  }

  /**
   * What it was started for, by what it says to a request without any members: 501 for what it was not. One that embeds or ranks does not
   * generate. One that ranks answers for embeddings as well, with zeros and what is no number.
   */
  async workloads(): Promise<readonly Operation[]> {
    if (await this.takes('/v1/rerank')) return ['rerank'];
    return (await this.takes('/v1/embeddings')) ? ['embedding'] : ['completion', 'chat'];
  }

  private async takes(route: string): Promise<boolean> {
    const { status } = await this.post(route, {});
    return status === 400 || status === 500;
  }

  post(path: string, body: object): Promise<EngineAnswer> {
    const question = { method: 'POST', route: path, body, maxAnswerBytes: maxAnswerBytes.operation } as const;
    return this.http.ask(this.target, question, this.signal);
  }

  private get(route: string, maxBytes: number): Promise<EngineAnswer> {
    return this.http.ask(this.target, { method: 'GET', route, maxAnswerBytes: maxBytes }, this.signal);
  }

  private async object(path: string, maxBytes: number): Promise<Readonly<Record<string, unknown>>> {
    const { status, json } = await this.get(path, maxBytes);
    if (status !== 200) throw llamacppError(status, json);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return membersOf(json);
    throw new ServiceError('ENGINE_PROTOCOL', {
      engine: 'llamacpp',
      message: 'The answer is not that of a llama.cpp server.',
    });
  }
}

/** Older servers show the prompts that their slots work on, however long: no fault, but not worth reading. */
function unlessTooLarge(cause: unknown): EngineAnswer {
  if (cause instanceof ServiceError && cause.code === 'ENGINE_PROTOCOL') return { status: 200, json: undefined };
  throw cause;
}

/** Asking must not load anything. */
function queryOf(model: string | undefined): string {
  return model === undefined ? '' : `?model=${encodeURIComponent(model)}&autoload=false`;
}

/** Undefined for one without a name. */
function listedModel(model: Readonly<Record<string, unknown>>): EngineModel | undefined {
  const id = lineOf(model['id'], NAME_CHARS);
  if (id === undefined) return undefined;
  const status = membersOf(model['status']);
  const ctxMax = integerOf(membersOf(model['meta'])['n_ctx'], 1);
  const aliases = itemsOf(model['aliases'], MAX_ALIASES).flatMap(alias => lineOf(alias, NAME_CHARS) ?? []);
  const path = fileIn(status['args']);
  const names = [...aliases, path, ...fileNamesOf(path)].filter(name => name !== '' && name !== id);
  const state = stateOf(status);
  return {
    id,
    ...(names.length > 0 && { names: [...new Set(names)] }),
    state,
    ...(ctxMax !== undefined && { ctxMax }),
    ...(state === 'failed' && { reason: failureOf(status) }),
  };
}

/** The file that a router starts a model's server with; empty where it is told otherwise. */
function fileIn(args: unknown): string {
  const list = itemsOf(args, MAX_ARGS);
  const at = list.findIndex(arg => arg === '--model' || arg === '-m');
  return (at === -1 ? undefined : lineOf(list[at + 1], PATH_CHARS)) ?? '';
}

/** A server with one model gives it no status: it answers only once the model is loaded. */
function stateOf({ value = 'loaded', failed }: Readonly<Record<string, unknown>>): EngineModel['state'] {
  switch (value) {
    case 'loaded':
    case 'sleeping': // It gave its memory back and wakes with the next request.
      return 'loaded';
    case 'loading':
      return 'loading';
    default:
      return failed === true ? 'failed' : 'unloaded';
  }
}

/** A router says no more than how the process of the model ended. */
function failureOf(status: Readonly<Record<string, unknown>>): string {
  const code = integerOf(status['exit_code'], Number.MIN_SAFE_INTEGER);
  return `The engine could not load the model${code === undefined ? '' : `: its process ended with code ${code}`}.`;
}
