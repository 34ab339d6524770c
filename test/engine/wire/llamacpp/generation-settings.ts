/** The seed that stands for "a random one", 2^32 - 1. */
export const RANDOM_SEED = 4_294_967_295;

/** llama.cpp keeps these as 32-bit floats and prints them so. */
const f32 = Math.fround;

/** Every sampling parameter with its default, in the order of the wire. */
const defaults = {
  seed: RANDOM_SEED,
  temperature: f32(0.8),
  dynatemp_range: 0,
  dynatemp_exponent: 1,
  top_k: 40,
  top_p: f32(0.95),
  min_p: f32(0.05),
  top_n_sigma: -1,
  xtc_probability: 0,
  xtc_threshold: f32(0.1),
  typical_p: 1,
  repeat_last_n: 64,
  repeat_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  dry_multiplier: 0,
  dry_base: 1.75,
  dry_allowed_length: 2,
  dry_penalty_last_n: 64,
  dry_sequence_breakers: ['\n', ':', '"', '*'],
  mirostat: 0,
  mirostat_tau: 5,
  mirostat_eta: f32(0.1),
  adaptive_target: -1,
  adaptive_decay: f32(0.9),
  stop: [] as readonly string[],
  max_tokens: -1,
  n_predict: -1,
  n_keep: 0,
  n_discard: 0,
  ignore_eos: false,
  stream: false,
  logit_bias: [],
  n_probs: 0,
  min_keep: 0,
  grammar: '',
  grammar_lazy: false,
  grammar_triggers: [],
  preserved_tokens: [],
  chat_format: 'Content-only',
  reasoning_format: 'deepseek',
  reasoning_in_content: false,
  generation_prompt: '',
  samplers: ['penalties', 'dry', 'top_n_sigma', 'top_k', 'typ_p', 'top_p', 'min_p', 'xtc', 'temperature'],
  'speculative.types': 'none',
  timings_per_token: false,
  post_sampling_probs: false,
  backend_sampling: false,
  lora: [],
};

export type SamplingSettings = typeof defaults;

/** The settings of a request: the defaults, with every member of the body that has the right type. */
export function samplingSettings(
  body: Readonly<Record<string, unknown>>,
  own: Partial<SamplingSettings>,
): SamplingSettings {
  const given = Object.entries(defaults).flatMap(([name, fallback]) => {
    const value = body[name];
    const taken = typeof value === typeof fallback && typeof value !== 'object';
    return taken ? [[name, typeof value === 'number' && !Number.isInteger(value) ? f32(value) : value] as const] : [];
  });
  return { ...defaults, ...(Object.fromEntries(given) as Partial<SamplingSettings>), ...own };
}

const onlyInAnswers = [
  'dry_sequence_breakers',
  'stop',
  'logit_bias',
  'grammar',
  'grammar_lazy',
  'grammar_triggers',
  'preserved_tokens',
];

/** As `/slots` and `/props` show them: without the lists. */
export function briefSettings(settings: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !onlyInAnswers.includes(name)));
}

/** What a server that was asked nothing yet would use. */
export function standingSettings(): object {
  return briefSettings({ ...defaults, reasoning_format: 'none' });
}
