import type { EngineSettings } from '../../engine-options';
import type { Exchange } from '../../exchange';
import { openaiErrors } from './errors';
import type { Body } from './request';

const MOST_CHOICES = 128;

export function bodyOf(exchange: Exchange): Body {
  const value = exchange.json();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw openaiErrors.badJson();
  return value as Body;
}

/** The name that a body gives the model. Throws the answer to an unknown one. */
export function modelIn(body: Body, { model, aliases }: EngineSettings): string {
  if (typeof body.model !== 'string' || body.model === '') throw openaiErrors.missing('model');
  if (![model, ...aliases].includes(body.model)) throw openaiErrors.unknownModel(body.model);
  return body.model;
}

/** Throws the answer to a body whose members are of a wrong type or out of bounds. */
export function checkBody(body: Body, list: 'messages' | 'prompt'): void {
  if (body[list] === undefined) throw openaiErrors.missing(list);
  if (list === 'messages' && !Array.isArray(body.messages)) {
    const text = `Invalid type for 'messages': expected an array of objects, but got ${typeof body.messages} instead.`;
    throw openaiErrors.invalid('invalid_type', text, 'messages');
  }
  if (list === 'messages' && (body.messages as unknown[]).length === 0) {
    const text =
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
    throw openaiErrors.invalid('empty_array', text, 'messages');
  }
  for (const [name, least, most] of [
    ['temperature', 0, 2],
    ['top_p', 0, 1],
    ['n', 1, MOST_CHOICES],
    ['max_tokens', 0, Infinity],
    ['max_completion_tokens', 1, Infinity],
    ['presence_penalty', -2, 2],
    ['frequency_penalty', -2, 2],
    ['top_logprobs', 0, 20],
  ] as const) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number') {
      const text = `Invalid type for '${name}': expected a number, but got ${typeof value} instead.`;
      throw openaiErrors.invalid('invalid_type', text, name);
    }
    if (value < least) {
      const text = `Invalid '${name}': number below minimum value. Expected a value >= ${least}, but got ${value} instead.`;
      throw openaiErrors.invalid('decimal_below_min_value', text, name);
    }
    if (value > most) {
      const text = `Invalid '${name}': number above maximum value. Expected a value <= ${most}, but got ${value} instead.`;
      throw openaiErrors.invalid('decimal_above_max_value', text, name);
    }
  }
  if (body.stream_options != null && body.stream !== true) {
    const text = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
    throw openaiErrors.invalid(null, text, 'stream_options');
  }
}
