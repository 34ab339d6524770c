import type { Exchange } from '../../exchange';
import type { GenerationRequest } from '../../generation-request';
import { tokenize } from '../../vocabulary';
import type { Body } from '../openai/request';
import { tritonErrors } from './errors';

const inputs = new Set(['id', 'text_input', 'max_tokens', 'stream', 'parameters']);

/** The body as an object. What is wrong with it counts as the server's failure. */
export function bodyOf(exchange: Exchange): Body {
  if (exchange.body === '') throw tritonErrors.emptyBody();
  const value = exchange.json();
  if (value === undefined) throw tritonErrors.badJson(exchange.body.length);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw tritonErrors.notAnObject();
  return value as Body;
}

/** A request of the generate extension. Scalars that it does not know are parameters, silently. */
export function fromGenerate(body: Body, model: string, stream: boolean): GenerationRequest {
  const { id, parameters = {} } = body;
  if (id !== undefined && typeof id !== 'string') throw tritonErrors.idNoText();
  const further = Object.entries({ ...body, ...(parameters as Body) }).filter(([name]) => !inputs.has(name));
  const odd = further.find(([, value]) => typeof value === 'object' && value !== null);
  if (odd) throw tritonErrors.badParameter(odd[0]);
  if (body.text_input === undefined && body.max_tokens === undefined) throw tritonErrors.missingInput(id, model);
  const prompt = textIn(body.text_input);
  const given = Object.fromEntries(further);
  const most: unknown = Array.isArray(body.max_tokens) ? body.max_tokens[0] : body.max_tokens;
  const { stop, seed, temperature } = given;
  return {
    prompt,
    promptTokens: tokenize(prompt).length,
    seed: temperature === 0 ? 0 : typeof seed === 'number' ? seed : undefined,
    maxTokens: typeof most === 'number' ? most : 16,
    ignoreEos: false,
    stop: typeof stop === 'string' && stop !== '' ? [stop] : [],
    stream,
  };
}

/** One text, or a list of one. A model that was given none runs with nothing in it. */
function textIn(input: unknown): string {
  if (input === undefined) return '';
  const list = Array.isArray(input) ? input : [input];
  if (list.length !== 1) throw tritonErrors.badShape();
  if (typeof list[0] !== 'string') throw tritonErrors.inputNoText();
  return list[0];
}
