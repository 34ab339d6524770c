import type { EngineSettings } from '../../engine-options';
import type { Exchange } from '../../exchange';
import type { Body } from '../openai/request';
import { vllmErrors } from './errors';

/** The body as an object. Throws vLLM's answer to one that is none, or of which it isn't said that it is JSON. */
export function bodyOf(exchange: Exchange): Body {
  const type = exchange.request.headers['content-type'] ?? '';
  if (exchange.body === '' && type !== '') {
    throw vllmErrors.invalid("{'type': 'missing', 'loc': 'body', 'msg': 'Field required', 'input': 'None'}", 'body');
  }
  if (!/^application\/(?:.+\+)?json\b/i.test(type)) {
    throw vllmErrors.invalid("Unsupported Media Type: Only 'application/json' is allowed", null);
  }
  const value = exchange.json();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body;
  const at = exchange.body.length;
  const detail = `{'type': 'json_invalid', 'loc': 'body.${at}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting value'}}`;
  throw vllmErrors.invalid(detail, `body.${at}`);
}

/** The name under which it serves the model that a body names. Without one the first answers. */
export function servedModel(body: Body, { model, aliases }: EngineSettings): string {
  const names = [model, ...aliases];
  const { model: asked } = body;
  if (asked === undefined || asked === null || asked === '') return model;
  const name = typeof asked === 'string' ? asked : JSON.stringify(asked);
  if (!names.includes(name)) throw vllmErrors.unknownModel(name, names);
  return name;
}
