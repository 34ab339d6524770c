import { ServiceError } from '../../errors/service-error';
import { faultOfJson, type JsonBounds } from '../../json/json-scan';
import type { EngineTarget } from '../engine-adapter.port';
import { engineError } from './engine-error';
import type { EngineHttp } from './engine-http';
import { integerOf, membersOf, parseJson } from './engine-json';

/** Of some four million tokens, or one million with their texts. */
const ANSWER_BYTES = 32 * 1024 * 1024;
const bounds: JsonBounds = {
  depth: 8,
  containers: 1 << 20,
  members: 1 << 22,
  strings: Infinity,
  values: 1 << 22,
  digits: 1 << 20,
  effort: Infinity,
};

/**
 * What an engine's tokenizer answers, an object.
 * @throws ServiceError as {@link EngineHttp.ask}, and the one that its status tells of
 */
export async function askTokenizer(
  engine: string,
  http: EngineHttp,
  target: EngineTarget,
  question: { readonly route: string; readonly body: object },
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await http.askText(target, { method: 'POST', maxAnswerBytes: ANSWER_BYTES, ...question }, signal);
  const { status, text } = answer;
  if (status !== 200) throw engineError(engine, status, parseJson(text) ?? text);
  if (faultOfJson(Buffer.from(text), bounds) !== undefined) throw odd(engine);
  return membersOf(JSON.parse(text));
}

/** @throws ServiceError ENGINE_PROTOCOL for what is no list of them */
export function tokenIdsOf(engine: string, list: unknown): readonly number[] {
  if (!Array.isArray(list) || list.some(id => integerOf(id) === undefined)) throw odd(engine);
  return list as readonly number[];
}

export function textOf(engine: string, text: unknown): string {
  if (typeof text !== 'string') throw odd(engine);
  return text.toWellFormed();
}

function odd(engine: string): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', { engine, message: "The answer is not that of the engine's tokenizer." });
}
