import type { EngineSettings } from '../../engine-options';
import { functionsIn, namedFunction } from '../../tool-calls';
import type { Body } from '../openai/request';
import { vllmErrors } from './errors';

const MOST_STOPS = 4;

/** Throws what vLLM answers to a body whose members are out of bounds. Numbers in texts are taken as numbers. */
export function checkSampling(body: Body, ctxTokens: number): void {
  const { temperature, top_p: topP, n, seed, stop } = body;
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (typeof maxTokens === 'number' && maxTokens < 1) {
    throw vllmErrors.badValue('max_tokens', `max_tokens must be at least 1, got ${maxTokens}.`, String(maxTokens));
  }
  if (typeof maxTokens === 'number' && maxTokens > ctxTokens) {
    const text = `max_tokens=${maxTokens} cannot be greater than max_model_len=${ctxTokens}. Please request fewer output tokens.`;
    throw vllmErrors.badValue('max_tokens', text, String(maxTokens));
  }
  if (typeof temperature === 'number' && temperature < 0) {
    const text = `temperature must be non-negative, got ${float(temperature)}.`;
    throw vllmErrors.badValue('temperature', text, float(temperature));
  }
  if (typeof temperature === 'number' && temperature > 2) {
    const text = `temperature must be in [0, 2], got ${float(temperature)}.`;
    throw vllmErrors.badValue('temperature', text, float(temperature));
  }
  if (typeof topP === 'number' && !(topP > 0 && topP <= 1)) {
    throw vllmErrors.badValue('top_p', `top_p must be in (0, 1], got ${float(topP)}.`, float(topP));
  }
  if (typeof n === 'number' && n < 1) throw vllmErrors.bad(`n must be at least 1, got ${n}.`);
  if (typeof n === 'number' && n > 1 && temperature === 0) {
    throw vllmErrors.bad(`n must be 1 when using greedy sampling, got ${n}.`);
  }
  if (typeof seed === 'number' && seed >= 2 ** 63) {
    const most = '9223372036854775807';
    const text = `{'type': 'less_than_equal', 'loc': 'body.seed', 'msg': 'Input should be less than or equal to ${most}', 'input': '${BigInt(seed)}', 'ctx': {'le': ${most}}}`;
    throw vllmErrors.invalid(text, 'body.seed');
  }
  if (Array.isArray(stop) && stop.length > MOST_STOPS)
    throw vllmErrors.bad('stop must have at most 4 members.', 'stop');
  if (body.stream_options != null && body.stream !== true) {
    throw vllmErrors.badValue('stream_options', 'Stream options can only be defined when `stream=True`.');
  }
}

/** Throws what vLLM answers to a chat that it cannot take. */
export function checkChat(body: Body, { model, vision }: EngineSettings): void {
  const { messages, tools, tool_choice: choice, top_logprobs: top } = body;
  if (!Array.isArray(messages)) {
    const size = Object.keys(body).length;
    const text = `{'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '<dict of ${size} items>'}`;
    throw vllmErrors.invalid(text, 'body.messages');
  }
  if (messages.length === 0) {
    throw vllmErrors.bad('Cannot apply chat template to an empty conversation. Provide at least one message.');
  }
  if (!vision && JSON.stringify(messages).includes('"type":"image_url"')) {
    throw vllmErrors.bad(`${model} is not a multimodal model`);
  }
  if (Array.isArray(tools) && tools.length === 0) {
    const text = '`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.';
    throw vllmErrors.badValue('tools', text);
  }
  if (choice != null && choice !== 'none' && choice !== 'auto' && !Array.isArray(tools)) {
    throw vllmErrors.badValue('tool_choice', 'When using `tool_choice`, `tools` must be set.');
  }
  const named = namedFunction(choice);
  if (named !== undefined && !functionsIn(tools).some(({ name }) => name === named)) {
    const text = 'The tool specified in `tool_choice` does not match any of the specified `tools`';
    throw vllmErrors.badValue('tool_choice', text);
  }
  if (typeof top === 'number' && top > 20) {
    const text = `Requested sample logprobs of ${top}, which is greater than max allowed: 20`;
    throw vllmErrors.badValue('logprobs', text, String(top));
  }
}

/** As Python prints a float. */
function float(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
