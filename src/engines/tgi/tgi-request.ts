import { ServiceError } from '../../errors/service-error';
import type { EngineRequest } from '../engine-adapter.port';
import { applied, type Body } from '../operation-table';
import { membersOf } from '../wire/engine-json';
import { jsonOf } from '../wire/openai/openai-request';
import { tgiOperations } from './tgi-operations';

const MAX_TOP_TOKENS = 5;

/**
 * The body of `/generate_stream`. Sampling is on or off by its own member, for without one a request that has any parameters at all is
 * greedy; details are asked for, or the end would come without its reason and counts.
 * @throws ServiceError INVALID_PARAMS for what TGI cannot do
 */
export function tgiBody({ work: { body } }: EngineRequest): string {
  const given = applied('tgi', tgiOperations.completion, body);
  const { prompt, temperature, top_k: topK, logprobs } = body;
  if (typeof prompt !== 'string' || prompt === '')
    throw invalid('prompt', 'TGI takes one prompt, as text that is not empty.');
  const parameters = {
    ...given,
    do_sample: temperature !== 0,
    ...(typeof temperature === 'number' && temperature !== 0 && { temperature }),
    ...(typeof topK === 'number' && topK > 0 && { top_k: topK }),
    ...(typeof logprobs === 'number' && logprobs > 0 && { top_n_tokens: Math.min(MAX_TOP_TOKENS, logprobs) }),
    ...boundsOf(body),
    ...grammarOf(membersOf(body['response_format'])),
    details: true,
  };
  return jsonOf({ inputs: prompt, parameters });
}

/** What both routes want in their own way. */
export function boundsOf({ top_p: topP, stop }: Body): Body {
  return {
    ...(typeof topP === 'number' && topP < 1 && { top_p: topP }),
    ...(stop !== undefined && stop !== null && { stop: Array.isArray(stop) ? stop : [stop] }),
  };
}

function grammarOf({ type, json_schema: wrapped }: Body): Body {
  if (type === undefined || type === 'text') return {};
  const schema = membersOf(wrapped)['schema'];
  if (type !== 'json_schema' || schema === undefined) {
    throw invalid('response_format', 'TGI wants a JSON schema: `json_schema`.');
  }
  return { grammar: { type: 'json', value: schema } };
}

function invalid(field: string, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { engine: 'tgi', field, message });
}
