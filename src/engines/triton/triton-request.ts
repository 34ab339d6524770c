import { ServiceError } from '../../errors/service-error';
import type { EngineRequest } from '../engine-adapter.port';
import { refusalOf } from '../operation-table';
import { jsonOf } from '../wire/openai/openai-request';
import { tritonOperations } from './triton-operations';

const engine = 'triton';
/** What is taken for granted of a model that has not been looked at. */
const usual: ReadonlySet<string> = new Set(['text_input', 'max_tokens', 'stream']);
const SAMPLING = 'sampling_parameters';
/** Of TensorRT-LLM's ensemble, where it has another name for it. */
const inputNames: Readonly<Record<string, string>> = {
  max_completion_tokens: 'max_tokens',
  repeat_penalty: 'repetition_penalty',
  seed: 'random_seed',
  stop: 'stop_words',
};
/** In the JSON of the vLLM backend. */
const samplingNames: Readonly<Record<string, string>> = {
  max_completion_tokens: 'max_tokens',
  repeat_penalty: 'repetition_penalty',
};
const sampled = [
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'min_p', 'repeat_penalty'],
  ...['repetition_penalty', 'presence_penalty', 'frequency_penalty', 'seed', 'stop'],
] as const;

/**
 * The body of `generate_stream`, with inputs that the model has and no others.
 * @throws ServiceError INVALID_PARAMS for what it has no input for
 */
export function tritonBody({ work: { body } }: EngineRequest, inputs: ReadonlySet<string> = usual): string {
  const refusal = refusalOf(engine, tritonOperations.completion, body);
  if (refusal) throw refusal;
  const { prompt } = body;
  if (typeof prompt !== 'string') throw invalid('prompt', 'Triton takes one prompt, as text.');
  const given = sampled.flatMap(name => (isNothing(body[name]) ? [] : [[name, body[name]] as const]));
  return jsonOf({
    text_input: prompt,
    ...(inputs.has('stream') && { stream: true }),
    // Of the vLLM backend: the answer alone, and what its end and its length are.
    ...Object.fromEntries(
      ['exclude_input_in_output', 'return_finish_reason', 'return_num_input_tokens', 'return_num_output_tokens']
        .filter(name => inputs.has(name))
        .map(name => [name, true]),
    ),
    ...(inputs.has(SAMPLING) ? samplingOf(given) : inputsOf(given, inputs)),
  });
}

type Given = readonly (readonly [name: string, value: unknown])[];

function samplingOf(given: Given): object {
  const sampling = Object.fromEntries(given.map(([name, value]) => [samplingNames[name] ?? name, value]));
  return { [SAMPLING]: JSON.stringify(sampling) };
}

function inputsOf(given: Given, inputs: ReadonlySet<string>): object {
  return Object.fromEntries(
    given.map(([name, value]) => {
      const input = inputNames[name] ?? name;
      if (!inputs.has(input)) throw invalid(name, `The model has no input for ${name}.`);
      return [input, value];
    }),
  );
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function invalid(field: string, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { engine, field, message });
}
