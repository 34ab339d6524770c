import type { EngineSettings } from '../../engine-options';
import { wireErrors } from './errors';

type Body = Readonly<Record<string, unknown>>;

const numbers = [
  'max_tokens',
  'max_completion_tokens',
  'n_predict',
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'n',
  'top_logprobs',
];
const booleans = ['stream', 'logprobs', 'parallel_tool_calls', 'timings_per_token'];
const MOST = 2_147_483_647;

/** Throws what llama.cpp answers to a chat of which known members have a wrong type or are out of bounds. */
export function checkChat(body: Body, { slots, vision }: EngineSettings): void {
  if (body.messages === undefined) throw wireErrors.invalid("'messages' is required");
  if (!Array.isArray(body.messages)) throw wireErrors.invalid("Expected 'messages' to be an array");
  for (const [names, type] of [
    [numbers, 'number'],
    [booleans, 'boolean'],
  ] as const) {
    for (const name of names) {
      const value = body[name];
      if (value === undefined || value === null || typeof value === type) continue;
      const text = `Field '${name}': [json.exception.type_error.302] type must be ${type}, but is ${typeof value}`;
      throw wireErrors.invalid(text);
    }
  }
  between(body, 'max_tokens', -1, MOST);
  between(body, 'n', 1, slots);
  if (body.top_logprobs != null && body.logprobs !== true) {
    throw wireErrors.invalid('top_logprobs requires logprobs to be set to true');
  }
  checkParts(body.messages, vision);
  checkTools(body);
  const { type } = (body.response_format ?? {}) as Body;
  if (typeof type === 'string' && !['text', 'json_object', 'json_schema'].includes(type)) {
    throw wireErrors.invalid(`response_format type must be one of "text" or "json_object", but got: ${type}`);
  }
}

function between(body: Body, name: string, least: number, most: number): void {
  const value = body[name];
  if (typeof value !== 'number' || (value >= least && value <= most)) return;
  throw wireErrors.invalid(`Field '${name}': Value must be between ${least} <= value <= ${most}, but got ${value}`);
}

/** An image that the model cannot see counts as the server's failure. */
function checkParts(messages: readonly unknown[], vision: boolean): void {
  const contents = messages.map(message => ((message ?? {}) as Body).content);
  for (const part of contents.flatMap(content => (Array.isArray(content) ? (content as Body[]) : []))) {
    if (part.type === 'text' || (part.type === 'image_url' && vision)) continue;
    if (part.type !== 'image_url') throw wireErrors.invalid('unsupported content[].type');
    const hint = 'hint: if this is unexpected, you may need to provide the mmproj';
    throw wireErrors.internal(`image input is not supported - ${hint}`);
  }
}

function checkTools({ tools, tool_choice: choice, grammar }: Body): void {
  if (!Array.isArray(tools)) return;
  const strange = (tools as Body[]).find(({ type }) => type !== 'function');
  if (strange) {
    const all = JSON.stringify(tools, null, 2);
    throw wireErrors.internal(
      `Failed to parse tools: Unsupported tool type: ${JSON.stringify(strange)}; tools = ${all}`,
    );
  }
  if (typeof choice === 'string' && !['auto', 'none', 'required'].includes(choice)) {
    throw wireErrors.invalid(`Invalid tool_choice: ${choice}`);
  }
  if (typeof grammar === 'string') throw wireErrors.invalid('Cannot use custom grammar constraints with tools.');
}
